/// Which column of a CSV file feeds which key of a record: `instruction=Question,output=Reply`.
public struct ColumnMapping: Sendable, Equatable {
    /// Record key → column name of the header row.
    public var columns: [String: String]

    /// The keys a column may feed.
    public static let keys = ["instruction", "input", "output", "category", "text", "subject"]

    /// Makes a mapping from record keys to column names.
    public init(_ columns: [String: String]) {
        self.columns = columns
    }

    /// Reads `key=column,key=column`; a column name may hold anything but a comma.
    ///
    /// - Throws: `TrainingError.badSetting` for a pair without `=` or an unknown or repeated key.
    public init(parsing text: String) throws {
        columns = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            let key = (parts.first ?? "").filter { !$0.isWhitespace }
            guard parts.count == 2, Self.keys.contains(key), columns[key] == nil else {
                throw TrainingError.badSetting(
                    name: "--columns",
                    reason: "has \"\(pair)\" where key=column is expected, each key once; the keys are "
                        + Self.keys.joined(separator: ", ")
                )
            }
            columns[key] = parts[1]
        }
        if columns.isEmpty {
            throw TrainingError.badSetting(
                name: "--columns",
                reason: "is empty; write for example instruction=Question,output=Reply"
            )
        }
    }
}
