/// Why a language model could not be built, loaded, saved or run.
public enum LanguageModelError: Error, Equatable, CustomStringConvertible {
    /// `model_type` and `architectures` of a configuration name nothing that fsot implements.
    case unknownArchitecture(found: String, supported: [String])
    /// A configuration lacks a key that its architecture needs.
    case missingKey(key: String, architecture: String)
    /// A configuration key has a value that makes no sense.
    case badValue(key: String, value: String, expected: String)
    /// A configuration asks for a feature of its architecture that fsot does not implement.
    case unsupported(feature: String, architecture: String)
    /// The tensors of the checkpoint at `path` are not exactly those of the configuration; every one is named.
    case tensorSet(path: String, missing: [String], extra: [String])
    /// Tensors of the checkpoint at `path` whose shapes do not follow from its configuration.
    case wrongShapes(path: String, tensors: [String])
    /// A tensor holds a NaN or an infinity, first at row-major position `index`.
    case notFinite(path: String, tensor: String, index: Int)
    /// A token id lies outside the vocabulary.
    case tokenOutOfRange(id: Int32, vocabularySize: Int)
    /// A text is longer than the positions that the model knows.
    case tooLong(tokens: Int, maximum: Int)
    /// A prompt or a prefix without any token, where at least one is needed.
    case emptyPrompt
    /// A model of fewer blocks was asked for with a block that is not there.
    case noSuchBlock(index: Int, layerCount: Int)
    /// A sampling option outside its range.
    case badOption(name: String, value: String, expected: String)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .unknownArchitecture(let found, let supported):
            return "The model's architecture \(found) is not one of \(supported.joined(separator: ", ")); "
                + "choose a model of these."
        case .missingKey(let key, let architecture):
            return "The configuration lacks \"\(key)\", which a \(architecture) model needs; "
                + "fetch the model's config.json again."
        case .badValue(let key, let value, let expected):
            return "\"\(key)\" in the configuration is \(value) but must be \(expected); correct config.json."
        case .unsupported(let feature, let architecture):
            return "This \(architecture) model uses \(feature), which fsot does not implement; choose another model."
        case .tensorSet(let path, let missing, let extra):
            var parts: [String] = []
            if !missing.isEmpty { parts.append("lacks \(missing.joined(separator: ", "))") }
            if !extra.isEmpty { parts.append("has the unexpected \(extra.joined(separator: ", "))") }
            return "The checkpoint \(path) \(parts.joined(separator: " and ")); "
                + "fetch it again or correct its config.json."
        case .wrongShapes(let path, let tensors):
            return "The checkpoint \(path) does not fit its config.json: \(tensors.joined(separator: "; ")); "
                + "fetch it again or correct its config.json."
        case .notFinite(let path, let tensor, let index):
            return "The tensor \(tensor) of \(path) holds NaN or infinity at position \(index); fetch the model again."
        case .tokenOutOfRange(let id, let vocabularySize):
            return "Token \(id) is outside the model's vocabulary of \(vocabularySize); "
                + "use the tokenizer that belongs to the model."
        case .tooLong(let tokens, let maximum):
            return "The text has \(tokens) tokens but the model takes at most \(maximum); shorten it."
        case .emptyPrompt:
            return "The prompt has no tokens; give at least one."
        case .noSuchBlock(let index, let layerCount):
            return "Block \(index) does not exist in a model of \(layerCount) blocks; choose one below \(layerCount)."
        case .badOption(let name, let value, let expected):
            return "The option \(name) is \(value) but must be \(expected)."
        }
    }
}
