/// Why an emulator could not be made, opened or plugged in.
public enum EmulatorError: Error, Equatable, CustomStringConvertible {
    /// The split does not fit the model.
    case invalidSplit(reason: String, remedy: String)
    /// `emulator.json` is missing, damaged or contradicts the model beside it.
    case invalidDescription(path: String, reason: String)
    /// The adapter's tensors are not exactly those that the model expects.
    case tensorSetMismatch(adapter: String, missing: [String], extra: [String])
    /// A tensor of the adapter has another shape in the model.
    case shapeMismatch(tensor: String, adapter: [Int], model: [Int])
    /// A tensor of the adapter holds NaN or infinity.
    case notFinite(tensor: String, adapter: String)
    /// The adapter belongs to another model or split.
    case wrongModel(adapter: String, reason: String)
    /// There is not enough text to distil on.
    case notEnoughText(source: String, tokens: Int, needed: Int)
    /// Distillation diverged.
    case diverged(step: Int)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .invalidSplit(let reason, let remedy):
            return "\(reason); \(remedy)."
        case .invalidDescription(let path, let reason):
            return
                "\(path) is not a usable emulator description: \(reason); make the emulator again with fsot compress."
        case .tensorSetMismatch(let adapter, let missing, let extra):
            var parts: [String] = []
            if !missing.isEmpty { parts.append("missing \(missing.joined(separator: ", "))") }
            if !extra.isEmpty { parts.append("not expected \(extra.joined(separator: ", "))") }
            return "The adapter \(adapter) does not fit the model (\(parts.joined(separator: "; ")));"
                + " use the adapter of a run on an emulator of this model."
        case .shapeMismatch(let tensor, let adapter, let model):
            return "The adapter's tensor \(tensor) has shape \(adapter) but the model's has \(model);"
                + " use the adapter of a run on an emulator of this model."
        case .notFinite(let tensor, let adapter):
            return "The adapter \(adapter) holds NaN or infinity in \(tensor); train it again with a lower --lr."
        case .wrongModel(let adapter, let reason):
            return "The adapter \(adapter) belongs to another model: \(reason); check which emulator it was tuned on."
        case .notEnoughText(let source, let tokens, let needed):
            return "\(source) holds \(tokens) tokens but \(needed) are needed;"
                + " give more public text or a smaller --distill-tokens."
        case .diverged(let step):
            return "Distillation diverged at step \(step) (the loss is not finite); lower --distill-lr."
        }
    }
}
