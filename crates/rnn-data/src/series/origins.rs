use std::{collections::VecDeque, ops::Range};

use super::{Series, Subset};

/// Origins of windows in ascending order, without windows that cross a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// Ranges that are left, each with at least one origin.
    pub(super) ranges: VecDeque<Range<usize>>,
}

impl Iterator for Origins {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = self.ranges.front_mut()?;
        let origin = first.next();
        if first.start >= first.end {
            self.ranges.pop_front();
        }
        origin
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.ranges.iter().map(Range::len).sum();
        (count, Some(count))
    }
}

impl ExactSizeIterator for Origins {}

impl Series {
    /// Returns the origins of the windows of a set: those whose inputs and targets are in it.
    ///
    /// Windows across a gap longer than the [limit](crate::ReadOptions::max_gap) are left out.
    pub fn origins(&self, subset: Subset) -> Origins {
        self.origins_ahead(subset, self.config.horizon)
    }

    /// Returns the origins of a set for windows with another number of predicted rows.
    pub fn origins_ahead(&self, subset: Subset, steps: usize) -> Origins {
        let (rows, steps) = (self.rows(subset), self.reach(steps));
        let first = rows.start.max(self.first) + self.config.window;
        self.whole(first..(rows.end + 1).saturating_sub(steps).max(first), steps)
    }

    /// Returns the number of windows that cross a gap, and of all windows.
    pub fn left_out(&self) -> (usize, usize) {
        let (first, horizon) = (self.first_origin(), self.config.horizon);
        let all = first..(self.times.len() + 1).saturating_sub(horizon).max(first);
        (all.len() - self.whole(all.clone(), horizon).len(), all.len())
    }

    /// Returns the number of gaps that windows do not cross.
    pub fn gaps(&self) -> usize {
        self.breaks.len()
    }

    /// Returns the row behind the last such gap inside the window before a row, if any.
    pub fn gap_before(&self, origin: usize) -> Option<usize> {
        let start = origin.checked_sub(self.first_origin())?;
        self.breaks.iter().copied().rfind(|row| start < *row && *row <= origin)
    }

    /// Takes the origins whose windows cross a gap out of a range.
    fn whole(&self, origins: Range<usize>, steps: usize) -> Origins {
        let (mut ranges, mut start) = (VecDeque::new(), origins.start);
        let before = self.first_origin();
        for row in &self.breaks {
            // The window before an origin and the rows after it are on one side of the gap.
            let end = (row + 1).saturating_sub(steps).min(origins.end);
            if start < end {
                ranges.push_back(start..end);
            }
            start = start.max(row + before);
        }
        if start < origins.end {
            ranges.push_back(start..origins.end);
        }
        Origins { ranges }
    }
}
