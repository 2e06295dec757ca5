import COpenBLAS

/// The library behind float32 matrix products.
public enum OpenBLAS {
    /// Version, build options and the processor whose kernels run, as the library reports them, e.g.
    /// `OpenBLAS 0.3.21 DYNAMIC_ARCH NO_AFFINITY Cooperlake MAX_THREADS=64`. The environment variable
    /// `OPENBLAS_CORETYPE` overrides its choice of kernels.
    public static var configuration: String {
        openblas_get_config().map { String(cString: $0) } ?? "OpenBLAS"
    }
}
