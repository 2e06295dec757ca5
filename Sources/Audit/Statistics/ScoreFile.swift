import Foundation
import Training

/// Scores of anybody's attack: a CSV file with a header and a column `score`.
public enum ScoreFile {
    /// Reads the column `score`.
    ///
    /// - Throws: `AuditError.unreadableScores` naming the line; `TrainingError` for broken CSV.
    public static func read(_ path: String) throws -> [Double] {
        func failure(_ reason: String) -> AuditError { .unreadableScores(path: path, reason: reason) }
        guard let data = FileManager.default.contents(atPath: path) else { throw failure("it cannot be opened") }
        let bytes = [UInt8](data)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var reader = CSVReader(bytes, startingAt: bytes.starts(with: mark) ? mark.count : 0, path: path)
        guard let header = try reader.next() else { throw failure("it is empty") }
        let names = header.fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        guard let column = names.firstIndex(of: "score") else {
            throw failure("its header has no column score but \(names.joined(separator: ", "))")
        }
        guard names.lastIndex(of: "score") == column else { throw failure("its header has the column score twice") }
        var scores: [Double] = []
        while let row = try reader.next() {
            guard row.fields.count == names.count else {
                throw failure("line \(row.line) has \(row.fields.count) fields instead of \(names.count)")
            }
            let text = row.fields[column].trimmingCharacters(in: .whitespaces)
            guard let score = Double(text), score.isFinite else {
                throw failure("\"\(text)\" in line \(row.line) is not a finite number")
            }
            scores.append(score)
        }
        guard !scores.isEmpty else { throw failure("it holds no score") }
        return scores
    }
}
