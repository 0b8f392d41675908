/// The limits of a GPU that decide how the operators run on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuLimits {
    /// Invocations of a workgroup.
    pub invocations: usize,
    /// Bytes that a workgroup shares.
    pub shared_memory: usize,
    /// Tensors of a kernel.
    pub bindings: usize,
    /// Bytes of one buffer.
    pub buffer: usize,
    /// Workgroups of a launch.
    pub workgroups: usize,
    /// Whether a processor stands in for a GPU.
    pub software: bool,
}

impl GpuLimits {
    /// What WebGPU promises everywhere; of its eight tensors a kernel, one goes to the sizes of the
    /// others.
    pub const WEBGPU: Self = Self {
        invocations: 256,
        shared_memory: 16 << 10,
        bindings: 7,
        buffer: 128 << 20,
        workgroups: 65_535,
        software: false,
    };
}
