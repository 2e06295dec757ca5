/// Why a checkpoint could not be read or written; every case prints one sentence with the remedy.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// A system call on `path` failed; `reason` is the system's own text.
    case unreadable(path: String, reason: String)
    /// `path` holds nothing that can be opened as a model; `reason` says what was looked for.
    case notACheckpoint(path: String, reason: String)
    /// The file ends before a structure that starts at byte `offset` and needs `needed` bytes.
    case truncated(path: String, offset: Int, needed: Int, available: Int)
    /// A structure at byte `offset` contradicts the format.
    case damaged(path: String, offset: Int, reason: String)
    /// The text of `path` is not JSON at byte `offset`.
    case invalidJSON(path: String, offset: Int, reason: String)
    /// The file is of a version, byte order or kind that is not read.
    case unsupportedFormat(path: String, reason: String)
    /// A tensor has an element type that is not read; `type` is its name in the file.
    case unsupportedType(path: String, tensor: String, type: String)
    /// The model has an architecture that is not read; `architecture` is its name in the file.
    case unsupportedArchitecture(path: String, architecture: String)
    /// A tensor that was asked for, or that an index promises, is not in `path`.
    case missingTensor(path: String, tensor: String)
    /// A shard that an index names does not exist.
    case missingShard(path: String, shard: String)
    /// A tensor has another shape than its place demands.
    case shapeMismatch(path: String, tensor: String, expected: [Int], found: [Int])
    /// Shape times element size differs from the stored length.
    case lengthMismatch(path: String, tensor: String, shape: [Int], type: String, expectedBytes: Int, foundBytes: Int)
    /// The caller's buffer has another size than the tensor.
    case bufferMismatch(path: String, tensor: String, expected: Int, found: Int)
    /// A metadata or configuration key is absent or has an unusable value.
    case badMetadata(path: String, key: String, reason: String)
    /// Two tensors to be written share a name, or an entry cannot be stored as asked.
    case unwritable(path: String, tensor: String, reason: String)

    /// One sentence that names the file and what to do.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "Cannot read \(path): \(reason); check the path and its permissions."
        case .notACheckpoint(let path, let reason):
            return "\(path) is not a model: \(reason)."
        case .truncated(let path, let offset, let needed, let available):
            return "\(path) is cut short: \(needed) bytes are needed at byte \(offset) and \(available) are there; "
                + "fetch the file again."
        case .damaged(let path, let offset, let reason):
            return "\(path) is damaged at byte \(offset): \(reason); fetch the file again."
        case .invalidJSON(let path, let offset, let reason):
            return "\(path) is not valid JSON at byte \(offset): \(reason); correct it or fetch it again."
        case .unsupportedFormat(let path, let reason):
            return "\(path) cannot be read: \(reason)."
        case .unsupportedType(let path, let tensor, let type):
            return "\(path) stores \(tensor) as \(type), which is not supported here; convert the model to F32, F16, "
                + "BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K or Q6_K."
        case .unsupportedArchitecture(let path, let architecture):
            return "\(path) holds a model of architecture \(architecture), which is not supported; "
                + "use a llama, qwen2 or gpt2 model."
        case .missingTensor(let path, let tensor):
            return "\(path) has no tensor named \(tensor); use the checkpoint that this model was saved to."
        case .missingShard(let path, let shard):
            return "\(path) names the shard \(shard), which does not exist; fetch the missing file."
        case .shapeMismatch(let path, let tensor, let expected, let found):
            return "\(path): \(tensor) has shape \(found) where \(expected) is needed; "
                + "use a checkpoint that fits its configuration."
        case .lengthMismatch(let path, let tensor, let shape, let type, let expectedBytes, let foundBytes):
            return
                "\(path): \(tensor) of shape \(shape) in \(type) needs \(expectedBytes) bytes and has \(foundBytes); "
                + "fetch the file again."
        case .bufferMismatch(let path, let tensor, let expected, let found):
            return "\(path): \(tensor) has \(expected) elements and the buffer given has \(found); "
                + "make the buffer as large as the tensor."
        case .badMetadata(let path, let key, let reason):
            return "\(path): the entry \(key) \(reason); correct it or fetch the file again."
        case .unwritable(let path, let tensor, let reason):
            return "Cannot write \(tensor) to \(path): \(reason); nothing was written."
        }
    }
}
