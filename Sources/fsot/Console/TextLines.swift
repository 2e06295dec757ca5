import Checkpoints
import Compression
import Foundation
import LanguageModels
import Tokenizers

/// A JSONL file (optionally gzip) of texts: `{"text": …}` or `{"ids": […]}` a line.
struct TextLines {
    /// One text and the line it stands on, counted from 1.
    struct Entry {
        let line: Int
        let ids: [Int32]
    }

    let entries: [Entry]

    /// Reads and tokenises all lines: special tokens are parsed, no begin token is added.
    ///
    /// - Parameter vocabularySize: rows of the embedding; given ids must be below it.
    /// - Throws: `CommandFailure` naming the file and the line.
    init(path: String, tokenizer: Tokenizer, vocabularySize: Int) throws {
        var entries: [Entry] = []
        for (line, value) in try JSONLines.read(path) {
            let ids: [Int32]
            if let text = value["text"]?.string {
                ids = tokenizer.encode(text, parsesSpecialTokens: true)
            } else if let numbers = value["ids"]?.array {
                ids = try numbers.map { number in
                    guard let id = number.int, id >= 0, id < vocabularySize else {
                        throw CommandFailure(
                            "\(path) line \(line): \(number.canonicalText) is no token of this model; ids are whole "
                                + "numbers from 0 to \(vocabularySize - 1)."
                        )
                    }
                    return Int32(id)
                }
            } else {
                throw CommandFailure(
                    "\(path) line \(line): neither \"text\" nor \"ids\"; each line must be {\"text\": \"…\"} or "
                        + "{\"ids\": […]}."
                )
            }
            entries.append(Entry(line: line, ids: ids))
        }
        guard !entries.isEmpty else {
            throw CommandFailure("\(path) holds no texts; put one {\"text\": \"…\"} on each line.")
        }
        self.entries = entries
    }
}

/// The objects of a JSONL file (optionally gzip) with their line numbers; empty lines are passed over.
enum JSONLines {
    /// - Throws: `CommandFailure` for a file that cannot be read and for a line that is no JSON object.
    static func read(_ path: String) throws -> [(line: Int, value: JSONValue)] {
        var data = try InputFile.data(path)
        if data.starts(with: [0xEF, 0xBB, 0xBF]) { data = data.dropFirst(3) }
        var result: [(line: Int, value: JSONValue)] = []
        for (index, bytes) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            guard let value = try? JSONValue.parse(Data(bytes)), value.object != nil else {
                throw CommandFailure("\(path) line \(index + 1) is not a JSON object; correct or remove this line.")
            }
            result.append((index + 1, value))
        }
        return result
    }
}

/// A file that the user named.
enum InputFile {
    /// The content, decompressed when it is gzip.
    ///
    /// - Throws: `CommandFailure` naming the file.
    static func data(_ path: String) throws -> Data {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("\(path) does not exist; check the path.")
        }
        guard !isDirectory.boolValue else { throw CommandFailure("\(path) is a directory; give a file.") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) cannot be read; check its permissions.")
        }
        guard Zlib.isGzip(data) else { return data }
        do {
            return try Zlib.gunzip(data)
        } catch {
            throw CommandFailure("\(path): \(error)")
        }
    }
}
