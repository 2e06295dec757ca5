/// Why records could not be read or encoded, or why training stopped.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    // MARK: Records

    /// `path` cannot be read; `reason` is the system's text.
    case unreadable(path: String, reason: String)
    /// `path` holds no record.
    case noRecords(path: String)
    /// Line `line` of `path` is not what a record file holds; `reason` says what is wrong with it.
    case malformedLine(path: String, line: Int, reason: String)
    /// The value of `key` on line `line` of `path` is missing, empty or of the wrong type.
    case badKey(path: String, line: Int, key: String, reason: String)
    /// The `--columns` mapping cannot be used on `path`.
    case badColumns(path: String, reason: String)

    // MARK: Encoding

    /// A record cannot be put into the template.
    case cannotEncode(record: String, reason: String)
    /// The template's tokens are not in the tokenizer.
    case templateNeedsToken(template: String, token: String)
    /// Every example is empty after truncation to `maximumLength` tokens.
    case nothingToLearn(path: String, maximumLength: Int)

    // MARK: Training

    /// The loss or the gradient norm became NaN or infinite at `step` (0-based) on these records.
    case notFinite(quantity: String, step: Int, records: [String], path: String)
    /// A setting is out of range.
    case badSetting(name: String, reason: String)
    /// A checkpoint does not belong to this model, data or optimizer.
    case checkpointMismatch(path: String, reason: String)

    // MARK: Splitting

    /// The records cannot be split as asked.
    case cannotSplit(reason: String)

    /// One sentence that names the file, line and key, and the remedy.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "Cannot read \(path): \(reason); check the path and the permissions."
        case .noRecords(let path):
            return "\(path) holds no records; give a JSONL or CSV file with at least one."
        case .malformedLine(let path, let line, let reason):
            return "\(path), line \(line): \(reason)."
        case .badKey(let path, let line, let key, let reason):
            return "\(path), line \(line): \"\(key)\" \(reason); correct or remove this record."
        case .badColumns(let path, let reason):
            return "\(path): \(reason)."
        case .cannotEncode(let record, let reason):
            return "\(record): \(reason)."
        case .templateNeedsToken(let template, let token):
            return "The \(template) template needs the token \(token), which this model's tokenizer does not have; "
                + "use --template alpaca or plain."
        case .nothingToLearn(let path, let maximumLength):
            return "No record of \(path) has an answer token left within \(maximumLength) tokens; raise --max-length."
        case .notFinite(let quantity, let step, let records, let path):
            let place = path.isEmpty ? "" : " of \(path)"
            return "The \(quantity) is not finite at step \(step + 1), on \(records.joined(separator: ", "))\(place); "
                + "lower --lr, set a clipping norm, or correct these records."
        case .badSetting(let name, let reason):
            return "The setting \(name) \(reason)."
        case .checkpointMismatch(let path, let reason):
            return "The checkpoint \(path) cannot be resumed: \(reason); start again without --resume."
        case .cannotSplit(let reason):
            return "Cannot split the records: \(reason)."
        }
    }
}
