//! Uninitialised buffers that several threads fill, part by part. Zeroing them first would cost a
//! tenth of the run time.

use std::mem::MaybeUninit;

use super::real::Real;

/// A slice of a buffer that is filled from its start. The filled part can be read and written.
pub(crate) struct Filling<'a, T> {
    memory: &'a mut [MaybeUninit<T>],
    filled: usize,
}

impl<'a, T: Real> Filling<'a, T> {
    pub(crate) fn new(memory: &'a mut [MaybeUninit<T>]) -> Self {
        Self { memory, filled: 0 }
    }

    /// Appends `count` copies of the values.
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

    /// Appends zeros.
    pub(crate) fn zeros(&mut self, count: usize) {
        self.memory[self.filled..self.filled + count].fill(MaybeUninit::new(T::ZERO));
        self.filled += count;
    }

    /// Moves the last `count` values to the start and drops the others.
    pub(crate) fn keep_last(&mut self, count: usize) {
        let filled = self.filled;
        self.values().copy_within(filled - count..filled, 0);
        self.filled = count;
    }

    /// # Panics
    ///
    /// Panics unless the buffer is full.
    pub(crate) fn check_full(&self) {
        assert_eq!(self.filled, self.memory.len(), "a buffer is not full");
    }

    /// Values of the filled part.
    pub(crate) fn values(&mut self) -> &mut [T] {
        // SAFETY: `filled` only grows over values that were just written; otherwise it shrinks.
        unsafe { self.memory[..self.filled].assume_init_mut() }
    }
}

/// Allocates memory for `length` values.
pub(crate) fn memory<T>(length: usize) -> Vec<MaybeUninit<T>> {
    let mut memory = Vec::with_capacity(length);
    // SAFETY: `MaybeUninit` needs no initial value, and the capacity is `length`.
    unsafe { memory.set_len(length) };
    memory
}

/// Converts filled memory into its values.
///
/// # Safety
///
/// All values must have been written.
pub(crate) unsafe fn filled<T>(memory: Vec<MaybeUninit<T>>) -> Vec<T> {
    let mut memory = std::mem::ManuallyDrop::new(memory);
    // SAFETY: `MaybeUninit<T>` has the layout of `T`, and the parts are those of a vector that is
    // not dropped. The caller guarantees the values.
    unsafe { Vec::from_raw_parts(memory.as_mut_ptr().cast(), memory.len(), memory.capacity()) }
}
