/// Why an emulator could not be made or opened.
public enum EmulatorError: Error, Equatable, CustomStringConvertible {
    /// The split does not fit the model.
    case invalidSplit(reason: String, remedy: String)
    /// `emulator.json` is missing, damaged or contradicts the model beside it.
    case invalidDescription(path: String, reason: String)
    /// The weights' header holds text that no emulator needs.
    case unexpectedMetadata(path: String, key: String)
    /// A line of the ledger does not follow from the one before; `line` counts from 1.
    case brokenLedger(path: String, line: Int, reason: String)
    /// The ledger has fewer lines than its head says.
    case shortenedLedger(path: String, lines: Int, expected: Int)
    /// The ledger, or the head beside it, is missing, damaged or unreadable.
    case unreadableLedger(path: String, reason: String)
    /// There is not enough text to distil on.
    case notEnoughText(source: String, tokens: Int, needed: Int)
    /// A setting has no meaning.
    case invalidSetting(reason: String, remedy: String)
    /// LAPACK finds no singular value decomposition of a weight.
    case notDecomposable(tensor: String)
    /// Something compares texts, or batches of them, and there are too few with anything to predict.
    case tooFewTexts(source: String, purpose: String, count: Int, needed: Int)
    /// A selection compares blocks by what they do to text, and there is none.
    case selectionNeedsText(LayerSelection)
    /// A figure of the full model or the emulator on some text is infinite or not a number.
    case notFinite(quantity: String, source: String)
    /// Distillation diverged at a step, counted from 1.
    case diverged(step: Int)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .invalidSplit(let reason, let remedy), .invalidSetting(let reason, let remedy):
            return "\(reason); \(remedy)."
        case .invalidDescription(let path, let reason):
            return
                "\(path) is not a usable emulator description: \(reason); make the emulator again with fsot compress."
        case .unreadableLedger(let path, let reason):
            return "The ledger cannot be trusted because of \(path): \(reason); put it back from a copy."
        case .unexpectedMetadata(let path, let key):
            return "\(path) carries the metadata \(key), which an emulator may not; write the file again without it."
        case .brokenLedger(let path, let line, let reason):
            return "Line \(line) of the ledger \(path) cannot be trusted: \(reason); put the ledger back from a copy."
        case .shortenedLedger(let path, let lines, let expected):
            return
                "The ledger \(path) has \(lines) lines, but its head counts \(expected): lines were removed at its end; "
                + "put the ledger back from a copy."
        case .notEnoughText(let source, let tokens, let needed):
            return "\(source) holds \(tokens) tokens but \(needed) are needed;"
                + " give more public text or a smaller --distill-tokens."
        case .notDecomposable(let tensor):
            return "\(tensor) has no usable singular value decomposition; leave --attention at 1."
        case .tooFewTexts(let source, let purpose, let count, let needed):
            return "\(source) gives \(count) usable \(count == 1 ? "text" : "texts") but \(purpose) needs \(needed);"
                + " give more public text."
        case .selectionNeedsText(let selection):
            return "--selection \(selection.rawValue) compares layers on public text; give --public-data FILE or"
                + " --public-data generated, or choose uniform, nested or random."
        case .notFinite(let quantity, let source):
            return
                "The \(quantity) on \(source) is not finite; check the model with fsot eval, give other public text or"
                + " use --compute f32."
        case .diverged(let step):
            return "Distillation diverged at step \(step) (the loss is not finite); lower --distill-lr."
        }
    }
}
