/// Why an adapter could not be attached, read or written.
public enum PEFTError: Error, Equatable, CustomStringConvertible {
    /// A target names no linear layer of the model; `available` are the names that would.
    case unknownTarget(target: String, available: [String])
    /// The model has no block of that number.
    case noSuchLayer(layer: Int, layerCount: Int)
    /// A setting with a value that makes no sense.
    case badSetting(key: String, value: String, expected: String)
    /// A setting that would change the result and is not implemented.
    case unsupported(path: String, setting: String, value: String)
    /// `adapter_config.json` is of another method.
    case otherMethod(path: String, found: String)
    /// The linear layer already carries a low-rank branch.
    case alreadyAttached(module: String)
    /// The adapter is merged into the weights, where it must be beside them.
    case merged(action: String)
    /// The tensors of the adapter are not exactly those that its configuration and the model ask for.
    case tensorSet(path: String, missing: [String], extra: [String])
    /// A tensor whose shape does not fit the model.
    case wrongShape(path: String, tensor: String, found: [Int], expected: [Int])
    /// A tensor with NaN or infinity.
    case notFinite(path: String, tensor: String)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .unknownTarget(let target, let available):
            return "The target module \"\(target)\" is no linear layer of this model; choose among "
                + "\(available.joined(separator: ", ")) or all-linear."
        case .noSuchLayer(let layer, let layerCount):
            return "Layer \(layer) does not exist in a model of \(layerCount) layers; choose one below \(layerCount)."
        case .badSetting(let key, let value, let expected):
            return "The adapter setting \(key) is \(value) but must be \(expected)."
        case .unsupported(let path, let setting, let value):
            return "The adapter \(path) sets \(setting) to \(value), which fsot does not implement; "
                + "train the adapter without it."
        case .otherMethod(let path, let found):
            return "The adapter \(path) is of the type \(found), but fsot reads LORA and whole blocks; "
                + "use one of these."
        case .alreadyAttached(let module):
            return "The layer \(module) already carries an adapter; detach or merge that one first."
        case .merged(let action):
            return "The adapter is merged into the weights and cannot be \(action); unmerge it first."
        case .tensorSet(let path, let missing, let extra):
            var parts: [String] = []
            if !missing.isEmpty { parts.append("lacks \(missing.joined(separator: ", "))") }
            if !extra.isEmpty { parts.append("has the unexpected \(extra.joined(separator: ", "))") }
            return
                "The adapter \(path) \(parts.joined(separator: " and ")); use the adapter that belongs to this model."
        case .wrongShape(let path, let tensor, let found, let expected):
            return "The tensor \(tensor) of the adapter \(path) has the shape \(found) instead of \(expected); "
                + "use the adapter that belongs to this model."
        case .notFinite(let path, let tensor):
            return
                "The tensor \(tensor) of the adapter \(path) holds NaN or infinity; train or fetch the adapter again."
        }
    }
}
