import Foundation

extension RecordFile {
    struct Parsed {
        var records: [Record] = []
        var lines: [Int] = []
        var ranges: [Range<Int>] = []
        var header = 0..<0
    }

    static func objects(_ bytes: [UInt8], from start: Int, path: String) throws -> Parsed {
        var parsed = Parsed()
        let decoder = JSONDecoder()
        var position = start
        var line = 1
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let range = position..<end
            if !bytes[range].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                parsed.records.append(try object(bytes[range], decoder: decoder, path: path, line: line))
                parsed.lines.append(line)
                parsed.ranges.append(range)
            }
            position = end + 1
            line += 1
        }
        return parsed
    }

    private static func object(
        _ bytes: ArraySlice<UInt8>,
        decoder: JSONDecoder,
        path: String,
        line: Int
    ) throws -> Record {
        let first = bytes.first { $0 != 0x20 && $0 != 0x09 }
        if first == UInt8(ascii: "[") {
            throw TrainingError.malformedLine(
                path: path,
                line: line,
                reason: "a JSON array where one object a line is expected; convert it with jq -c '.[]'"
            )
        }
        guard first == UInt8(ascii: "{") else {
            throw TrainingError.malformedLine(
                path: path,
                line: line,
                reason: "not a JSON object; each line must be one record such as {\"instruction\":…,\"output\":…}"
            )
        }
        do {
            return try decoder.decode(Record.self, from: Data(bytes))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let key = context.codingPath.first?.stringValue ?? "record"
            let expected = key == "messages" ? "must be a list of {\"role\",\"content\"} texts" : "must be text"
            throw TrainingError.badKey(path: path, line: line, key: key, reason: expected)
        } catch DecodingError.keyNotFound(let key, let context) {
            let parent = context.codingPath.first?.stringValue ?? "record"
            throw TrainingError.badKey(
                path: path,
                line: line,
                key: parent,
                reason: "has an entry without \"\(key.stringValue)\""
            )
        } catch {
            let isText = String(validating: bytes, as: UTF8.self) != nil
            throw TrainingError.malformedLine(
                path: path,
                line: line,
                reason: isText
                    ? "invalid JSON (cut off or badly quoted?); correct or remove this line"
                    : "the text is not UTF-8; convert the file with iconv -t UTF-8"
            )
        }
    }

    static func table(
        _ bytes: [UInt8],
        from start: Int,
        path: String,
        columns: ColumnMapping?
    ) throws -> Parsed {
        var parsed = Parsed()
        var reader = CSVReader(bytes, startingAt: start, path: path)
        guard let header = try reader.next() else { return parsed }
        parsed.header = header.bytes
        let names = header.fields.map { $0.trimmingCharacters(in: .whitespaces) }
        let places = try columnPlaces(names, path: path, columns: columns)
        while let row = try reader.next() {
            guard row.fields.count == names.count else {
                throw TrainingError.malformedLine(
                    path: path,
                    line: row.line,
                    reason: "\(row.fields.count) fields where the header has \(names.count); quote fields with commas"
                )
            }
            func value(_ key: String) -> String? { places[key].map { row.fields[$0] } }
            // A table has no absent cells: an empty label or subject means that there is none.
            func label(_ key: String) -> String? { value(key).flatMap { $0.isEmpty ? nil : $0 } }
            var record = Record(text: value("text") ?? "", category: label("category"), subject: label("subject"))
            if places["text"] == nil {
                record.text = nil
                record.instruction = value("instruction") ?? ""
                record.input = value("input")
                record.output = value("output")
            }
            parsed.records.append(record)
            parsed.lines.append(row.line)
            parsed.ranges.append(row.bytes)
        }
        return parsed
    }

    private static func columnPlaces(
        _ names: [String],
        path: String,
        columns: ColumnMapping?
    ) throws -> [String: Int] {
        var places: [String: Int] = [:]
        let known = names.joined(separator: ", ")
        if let columns {
            for (key, name) in columns.columns.sorted(by: { $0.key < $1.key }) {
                guard let place = names.firstIndex(of: name) else {
                    throw TrainingError.badColumns(
                        path: path,
                        reason: "there is no column \"\(name)\" for --columns \(key)=…; the header has \(known)"
                    )
                }
                places[key] = place
            }
        } else {
            for key in ColumnMapping.keys { places[key] = names.firstIndex(of: key) }
        }
        if places["text"] != nil && (places["instruction"] != nil || places["output"] != nil) {
            // An instruction table may well have a column called "text"; only an explicit mapping is ambiguous.
            if columns != nil {
                throw TrainingError.badColumns(
                    path: path,
                    reason: "--columns maps both text and instruction or output; choose one form"
                )
            }
            places["text"] = nil
        }
        if places["text"] == nil && places["output"] == nil {
            throw TrainingError.badColumns(
                path: path,
                reason: "no column is mapped to output or text; use --columns instruction=…,output=… with \(known)"
            )
        }
        return places
    }

    static func validate(_ record: Record, path: String, line: Int, emptyAnswers: EmptyAnswers) throws {
        func refuse(_ key: String, _ reason: String) -> TrainingError {
            .badKey(path: path, line: line, key: key, reason: reason)
        }
        switch record.form {
        case .messages:
            let messages = record.messages ?? []
            let roles = ["system", "user", "assistant"]
            if let stranger = messages.first(where: { !roles.contains($0.role) }) {
                throw refuse("messages", "has the role \"\(stranger.role)\"; the roles are system, user and assistant")
            }
            if emptyAnswers == .refused && record.hasEmptyAnswer {
                throw refuse("messages", "has no assistant turn with text, so there is nothing to learn")
            }
        case .text:
            if emptyAnswers == .refused && record.hasEmptyAnswer { throw refuse("text", "is empty") }
        case .instruction:
            if record.instruction == nil && record.output == nil {
                throw TrainingError.malformedLine(
                    path: path,
                    line: line,
                    reason: "no \"instruction\", \"text\" or \"messages\"; each record needs one of them"
                )
            }
            if emptyAnswers == .refused && record.hasEmptyAnswer {
                throw refuse("output", record.output == nil ? "is missing" : "is empty")
            }
            if record.instruction == nil {
                throw refuse("instruction", "is missing")
            }
        }
    }
}
