//! Memory that is written once, piece by piece, by several threads: zeroing it first would take as
//! long as a tenth of the work.

use std::mem::MaybeUninit;

use super::real::Real;

/// A part of a buffer that is filled from its start; the filled part can be read and written.
pub(crate) struct Filling<'a, T> {
    memory: &'a mut [MaybeUninit<T>],
    filled: usize,
}

impl<'a, T: Real> Filling<'a, T> {
    pub(crate) fn new(memory: &'a mut [MaybeUninit<T>]) -> Self {
        Self { memory, filled: 0 }
    }

    /// Goes on with `count` times the same values.
    pub(crate) fn repeat(&mut self, values: &[T], count: usize) {
        if values.is_empty() {
            return;
        }
        let end = self.filled + count * values.len();
        for part in self.memory[self.filled..end].chunks_exact_mut(values.len()) {
            part.write_copy_of_slice(values);
        }
        self.filled = end;
    }

    /// Goes on with zeros.
    pub(crate) fn zeros(&mut self, count: usize) {
        self.memory[self.filled..self.filled + count].fill(MaybeUninit::new(T::ZERO));
        self.filled += count;
    }

    /// Keeps only the last `count` values, at the start.
    pub(crate) fn keep_last(&mut self, count: usize) {
        let filled = self.filled;
        self.values().copy_within(filled - count..filled, 0);
        self.filled = count;
    }

    /// # Panics
    ///
    /// Panics unless everything is filled.
    pub(crate) fn check_full(&self) {
        assert_eq!(self.filled, self.memory.len(), "a buffer is filled to its end");
    }

    /// What is filled.
    pub(crate) fn values(&mut self) -> &mut [T] {
        // SAFETY: `filled` grows only over values that have just been written, and else shrinks.
        unsafe { self.memory[..self.filled].assume_init_mut() }
    }
}

/// Memory for `length` values.
pub(crate) fn memory<T>(length: usize) -> Vec<MaybeUninit<T>> {
    let mut memory = Vec::with_capacity(length);
    // SAFETY: `MaybeUninit` needs no initial value, and the capacity is there.
    unsafe { memory.set_len(length) };
    memory
}

/// The values of memory that has been filled.
///
/// # Safety
///
/// All of it must have been written.
pub(crate) unsafe fn filled<T>(memory: Vec<MaybeUninit<T>>) -> Vec<T> {
    let mut memory = std::mem::ManuallyDrop::new(memory);
    // SAFETY: `MaybeUninit<T>` has the layout of `T`, the parts are those of a vector that is not
    // dropped, and the caller vouches for the values.
    unsafe { Vec::from_raw_parts(memory.as_mut_ptr().cast(), memory.len(), memory.capacity()) }
}
