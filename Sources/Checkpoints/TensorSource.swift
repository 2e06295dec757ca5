import TensorEngine

/// What a file says of one tensor.
public struct TensorInfo: Sendable, Equatable {
    /// Extents, outermost first, row-major.
    public let shape: [Int]
    /// How the elements are stored.
    public let type: ElementType
    /// The length in the file, in bytes.
    public let byteCount: Int

    /// The product of the extents.
    public var elementCount: Int { shape.reduce(1, *) }

    /// A description whose fields the caller has checked against each other.
    public init(shape: [Int], type: ElementType, byteCount: Int) {
        self.shape = shape
        self.type = type
        self.byteCount = byteCount
    }
}

/// A collection of named tensors that are read one by one, so that a model is never in memory twice.
public protocol TensorSource: AnyObject {
    /// The file or directory, for errors.
    var path: String { get }
    /// All names, sorted.
    var tensorNames: [String] { get }
    /// The shape and type of one tensor.
    ///
    /// - Throws: `CheckpointError.missingTensor`.
    func info(_ name: String) throws -> TensorInfo
    /// Reads one tensor as Float32, row-major, into a buffer of exactly its element count.
    ///
    /// - Throws: `CheckpointError.missingTensor`, `.bufferMismatch`, `.unsupportedType` (integers: see
    ///   ``SafetensorsFile/integers(_:)``).
    func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws
}

extension TensorSource {
    /// Whether there is a tensor of this name.
    public func contains(_ name: String) -> Bool { (try? info(name)) != nil }

    /// Reads one tensor into new memory.
    ///
    /// - Throws: as ``read(_:into:)``.
    public func tensor(_ name: String) throws -> Tensor {
        let tensor = Tensor.zeros(try info(name).shape)
        try tensor.withUnsafeMutableBufferPointer { try read(name, into: $0) }
        return tensor
    }

    /// Reads one tensor into new memory and demands a shape.
    ///
    /// - Throws: `CheckpointError.shapeMismatch`, and as ``read(_:into:)``.
    public func tensor(_ name: String, shape: [Int]) throws -> Tensor {
        let found = try info(name).shape
        guard found == shape else {
            throw CheckpointError.shapeMismatch(path: path, tensor: name, expected: shape, found: found)
        }
        return try tensor(name)
    }

    /// Reads one tensor as an array of its elements, row-major.
    ///
    /// - Throws: as ``read(_:into:)``.
    public func values(_ name: String) throws -> [Float] {
        let count = try info(name).elementCount
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(name, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
            initialized = count
        }
    }
}
