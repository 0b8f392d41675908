/// Limits of a GPU that decide how the operators run on it; see [`route`](crate::route()).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuLimits {
    /// Largest number of invocations per workgroup.
    pub invocations: usize,
    /// Bytes of shared memory per workgroup.
    pub shared_memory: usize,
    /// Largest number of tensors (storage bindings) per kernel.
    pub bindings: usize,
    /// Largest size of a buffer, in bytes.
    pub buffer: usize,
    /// Largest number of workgroups per launch, in one dimension.
    pub workgroups: usize,
    /// Largest number of weights that an invocation keeps in registers; 0 if the number of
    /// registers is too small or unknown.
    pub kept_weights: usize,
    /// Whether the device is emulated in software on a CPU.
    pub software: bool,
}

impl GpuLimits {
    /// The limits that WebGPU guarantees on every device. One of its eight bindings per kernel
    /// holds the sizes of the tensors.
    pub const WEBGPU: Self = Self {
        invocations: 256,
        shared_memory: 16 << 10,
        bindings: 7,
        buffer: 128 << 20,
        workgroups: 65_535,
        kept_weights: 0,
        software: false,
    };
}
