/// Rows of a comma-separated file (RFC 4180): quoted fields, doubled quotes, line breaks inside quotes, LF or CRLF.
///
/// Works on bytes: the separators are ASCII, so UTF-8 text passes through untouched.
package struct CSVReader {
    /// One row: its fields, the bytes it came from (without the line break) and its first line, counted from 1.
    package struct Row: Equatable {
        package var fields: [String]
        var bytes: Range<Int>
        package var line: Int
    }

    private let bytes: [UInt8]
    private let path: String
    private var position: Int
    private var line = 1

    package init(_ bytes: [UInt8], startingAt start: Int, path: String) {
        self.bytes = bytes
        self.path = path
        position = start
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// The next row that is not an empty line, or nil at the end.
    package mutating func next() throws -> Row? {
        while position < bytes.count, let empty = emptyLineLength() {
            position += empty
            line += 1
        }
        guard position < bytes.count else { return nil }
        let start = position
        let firstLine = line
        var fields: [String] = []
        while true {
            fields.append(try field())
            if position < bytes.count, bytes[position] == Self.comma {
                position += 1
                continue
            }
            break
        }
        let end = position
        if position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
        if position < bytes.count, bytes[position] == Self.newline { position += 1 }
        line += 1
        return Row(fields: fields, bytes: start..<end, line: firstLine)
    }

    private func emptyLineLength() -> Int? {
        if bytes[position] == Self.newline { return 1 }
        let isCRLF =
            bytes[position] == Self.carriageReturn && position + 1 < bytes.count
            && bytes[position + 1] == Self.newline
        return isCRLF ? 2 : nil
    }

    private func isAtLineEnd(_ index: Int) -> Bool {
        index >= bytes.count || bytes[index] == Self.newline
            || (bytes[index] == Self.carriageReturn && (index + 1 >= bytes.count || bytes[index + 1] == Self.newline))
    }

    private mutating func field() throws -> String {
        guard position < bytes.count, bytes[position] == Self.quote else {
            let start = position
            while !isAtLineEnd(position), bytes[position] != Self.comma {
                if bytes[position] == Self.quote {
                    throw TrainingError.malformedLine(
                        path: path,
                        line: line,
                        reason: "a quotation mark inside an unquoted field; quote the field and double the mark"
                    )
                }
                position += 1
            }
            return try text(bytes[start..<position])
        }
        let opened = line
        position += 1
        var content: [UInt8] = []
        while true {
            guard position < bytes.count else {
                throw TrainingError.malformedLine(
                    path: path,
                    line: opened,
                    reason: "a quoted field is never closed; add the missing quotation mark"
                )
            }
            let byte = bytes[position]
            position += 1
            if byte == Self.quote {
                guard position < bytes.count, bytes[position] == Self.quote else { break }
                position += 1
            } else if byte == Self.newline {
                line += 1
            }
            content.append(byte)
        }
        guard isAtLineEnd(position) || bytes[position] == Self.comma else {
            throw TrainingError.malformedLine(
                path: path,
                line: line,
                reason: "text after a closing quotation mark; double the marks inside the field"
            )
        }
        return try text(content[...])
    }

    private func text(_ field: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: field, as: UTF8.self) else {
            throw TrainingError.malformedLine(
                path: path,
                line: line,
                reason: "the text is not UTF-8; convert the file with iconv -t UTF-8"
            )
        }
        return text
    }
}
