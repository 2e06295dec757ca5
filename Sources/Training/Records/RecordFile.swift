import Compression
import Foundation

/// A data holder's file: its records and, for whoever copies records on, the very bytes of each.
///
/// JSONL (one object a line), or CSV with a header row; either may be gzip. A byte-order mark is skipped, empty lines
/// are passed over, CRLF is accepted. Unknown keys are ignored.
public struct RecordFile: Sendable {
    /// Where the records came from.
    public let path: String
    /// The records in file order.
    public let records: [Record]
    /// The line on which each record starts, counted from 1.
    public let lines: [Int]
    /// Whether the file is CSV (and so has a header row).
    public let isCSV: Bool

    private let bytes: [UInt8]
    private let header: Range<Int>
    private let ranges: [Range<Int>]

    /// Whether a record without an answer is an error; `data check` counts them instead.
    public enum EmptyAnswers: Sendable {
        /// Throw `TrainingError.badKey`.
        case refused
        /// Keep the record.
        case accepted
    }

    /// The records of one file; see ``open(_:columns:emptyAnswers:)``.
    public static func read(_ path: String, columns: ColumnMapping? = nil) throws -> [Record] {
        try open(path, columns: columns).records
    }

    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - path: JSONL or CSV (`.csv`, `.csv.gz`, or anything when `columns` is given).
    ///   - columns: which CSV column feeds which key; without it the header must use the records' own keys.
    ///   - emptyAnswers: what to do with a record that has nothing to learn.
    /// - Throws: `TrainingError` naming the file, the line and the key; `CompressionError` for damaged gzip.
    public static func open(
        _ path: String,
        columns: ColumnMapping? = nil,
        emptyAnswers: EmptyAnswers = .refused
    ) throws -> RecordFile {
        var data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let isDirectory = (try? URL(fileURLWithPath: path).resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory
            let exists = FileManager.default.fileExists(atPath: path)
            let reason =
                isDirectory == true ? "it is a directory" : exists ? "it cannot be opened" : "there is no such file"
            throw TrainingError.unreadable(path: path, reason: reason)
        }
        if Zlib.isGzip(data) {
            do {
                data = try Zlib.gunzip(data)
            } catch {
                throw TrainingError.unreadable(path: path, reason: "\(error)")
            }
        }
        let name = path.lowercased()
        let isCSV = columns != nil || name.hasSuffix(".csv") || name.hasSuffix(".csv.gz")
        return try parse([UInt8](data), path: path, isCSV: isCSV, columns: columns, emptyAnswers: emptyAnswers)
    }

    /// Parses the content of a file that is already in memory; `path` is only named in errors.
    ///
    /// - Throws: as ``open(_:columns:emptyAnswers:)``.
    public static func parse(
        _ bytes: [UInt8],
        path: String,
        isCSV: Bool = false,
        columns: ColumnMapping? = nil,
        emptyAnswers: EmptyAnswers = .refused
    ) throws -> RecordFile {
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let parsed =
            isCSV
            ? try table(bytes, from: hasMark ? 3 : 0, path: path, columns: columns)
            : try objects(bytes, from: hasMark ? 3 : 0, path: path)
        if parsed.records.isEmpty { throw TrainingError.noRecords(path: path) }
        for (record, line) in zip(parsed.records, parsed.lines) {
            try validate(record, path: path, line: line, emptyAnswers: emptyAnswers)
        }
        return RecordFile(
            path: path,
            records: parsed.records,
            lines: parsed.lines,
            isCSV: isCSV,
            bytes: bytes,
            header: parsed.header,
            ranges: parsed.ranges
        )
    }

    /// The bytes of record `index` exactly as they stand in the file, without the final line feed.
    public func source(of index: Int) -> Data {
        Data(bytes[ranges[index]])
    }

    /// A file of the chosen records, byte for byte as in this one (after decompression), in the order given; each ends in a line feed, and a CSV header
    /// comes first.
    public func file(of indices: some Sequence<Int>) -> Data {
        var output = Data()
        func append(_ range: Range<Int>) {
            output.append(contentsOf: bytes[range])
            output.append(UInt8(ascii: "\n"))
        }
        if isCSV { append(header) }
        for index in indices { append(ranges[index]) }
        return output
    }

    /// How errors name record `index`: its line in the file.
    public func name(of index: Int) -> String {
        "line \(lines[index])"
    }
}
