/// A GGUF language model in Hugging Face terms: which architecture, which configuration, which names.
struct GGUFModel {
    enum Architecture: String {
        case llama
        case qwen2
        case gpt2
    }

    let file: GGUFFile
    let architecture: Architecture
    /// Whether the head is the embedding: no `output.weight`, or one with the same bytes.
    let isTied: Bool

    init(_ file: GGUFFile) throws(CheckpointError) {
        self.file = file
        guard let name = file.metadata["general.architecture"]?.string else {
            throw .badMetadata(path: file.path, key: "general.architecture", reason: "is absent")
        }
        guard let architecture = Architecture(rawValue: name) else {
            throw .unsupportedArchitecture(path: file.path, architecture: name)
        }
        self.architecture = architecture
        _ = try file.info("token_embd.weight")
        if file.contains("output.weight") {
            isTied = try file.areIdentical("token_embd.weight", "output.weight")
        } else {
            isTied = true
        }
    }

    /// The metadata entry under the architecture's own prefix.
    func entry(_ key: String) -> GGUFValue? { file.metadata["\(architecture.rawValue).\(key)"] }

    func failure(_ key: String, _ reason: String) -> CheckpointError {
        .badMetadata(path: file.path, key: "\(architecture.rawValue).\(key)", reason: reason)
    }

    /// A positive integer; an array counts when all its elements are equal (some converters write one a layer).
    func size(_ key: String, default fallback: Int? = nil) throws(CheckpointError) -> Int {
        guard let value = entry(key) else {
            if let fallback { return fallback }
            throw failure(key, "is absent")
        }
        let number: Int?
        if let list = value.integers {
            number = Set(list).count == 1 ? list.first : nil
        } else {
            number = value.int
        }
        guard let number, number > 0, number <= Int(Int32.max) else {
            throw failure(key, "is not one positive whole number")
        }
        return number
    }

    func number(_ key: String, default fallback: Double? = nil) throws(CheckpointError) -> Double {
        guard let value = entry(key) else {
            if let fallback { return fallback }
            throw failure(key, "is absent")
        }
        guard let number = value.double, number.isFinite, number > 0 else {
            throw failure(key, "is not a positive number")
        }
        return number
    }
}
