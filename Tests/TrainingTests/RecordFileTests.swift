import Foundation
import TensorEngine
import Testing
import Training

@Suite("Record files")
struct RecordFileTests {
    private func parse(
        _ text: String,
        isCSV: Bool = false,
        columns: ColumnMapping? = nil,
        emptyAnswers: RecordFile.EmptyAnswers = .refused
    ) throws -> RecordFile {
        try RecordFile.parse(
            Array(text.utf8),
            path: "a.jsonl",
            isCSV: isCSV,
            columns: columns,
            emptyAnswers: emptyAnswers
        )
    }

    @Test("the three forms, numbers as labels, unknown keys, BOM, CRLF and empty lines")
    func forms() throws {
        let lines = [
            "\u{FEFF}{\"instruction\":\"q\",\"input\":null,\"output\":\"a\",\"category\":3,\"subject\":\"p1\",\"x\":[1]}\r",
            "",
            "  \r",
            #"{"text":"free"}"#,
            #"{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"v"}],"subject":7}"#,
        ]
        let file = try parse(lines.joined(separator: "\n"))
        #expect(
            file.records == [
                Record(instruction: "q", output: "a", category: "3", subject: "p1"),
                Record(text: "free"),
                Record(
                    messages: [
                        RecordMessage(role: "user", content: "u"), RecordMessage(role: "assistant", content: "v"),
                    ],
                    subject: "7"
                ),
            ]
        )
        #expect(file.lines == [1, 4, 5])
        #expect(file.source(of: 1) == Data(#"{"text":"free"}"#.utf8))
        #expect(file.file(of: [2, 1]) == Data((lines[4] + "\n" + lines[3] + "\n").utf8))
    }

    @Test("GSM8K and Dolly rows are read as FS-LLM reads them")
    func publicSets() throws {
        let file = try parse(
            """
            {"question": "1+1?", "answer": "It is <<1+1=2>>2\\n#### 2"}
            {"instruction": "i", "context": "c", "response": "r", "category": "open_qa"}
            """
        )
        #expect(file.records[0] == Record(instruction: "1+1?", output: "It is <<1+1=2>>2\nThe answer is 2"))
        #expect(file.records[1] == Record(instruction: "i", input: "c", output: "r", category: "open_qa"))
    }

    @Test(
        "errors name the file, the line and the key",
        arguments: [
            ("{\"instruction\":\"q\"}", 1, "\"output\" is missing"),
            ("{\"text\":\"x\"}\n{\"instruction\":\"q\",\"output\":\" \\n\"}", 2, "\"output\" is empty"),
            ("\n\n{\"text\":\"\"}", 3, "\"text\" is empty"),
            ("{\"instruction\":1,\"output\":\"a\"}", 1, "\"instruction\" must be text"),
            ("{\"output\":\"a\"}", 1, "\"instruction\" is missing"),
            ("{\"messages\":\"hello\"}", 1, "\"messages\" must be a list"),
            ("{\"messages\":[{\"role\":\"user\"}]}", 1, "\"messages\" has an entry without \"content\""),
            ("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}", 1, "no assistant turn"),
            ("{\"messages\":[{\"role\":\"robot\",\"content\":\"a\"}]}", 1, "role \"robot\""),
            ("{\"text\":\"x\"}\n{\"text\":\"x", 2, "invalid JSON"),
            ("[{\"text\":\"x\"}]", 1, "jq -c"),
            ("hello", 1, "not a JSON object"),
            ("{\"other\":1}", 1, "no \"instruction\", \"text\" or \"messages\""),
        ]
    )
    func badLines(text: String, line: Int, message: String) throws {
        let error = #expect(throws: TrainingError.self) { try parse(text) }
        let description = try #require(error).description
        #expect(description.contains("a.jsonl, line \(line):"))
        #expect(description.contains(message), "\(description)")
    }

    @Test("an empty file, a missing file and text that is not UTF-8 are refused")
    func noRecords() throws {
        #expect(throws: TrainingError.noRecords(path: "a.jsonl")) { try parse("\n \n") }
        let missing = temporaryPath()
        #expect(throws: TrainingError.unreadable(path: missing, reason: "there is no such file")) {
            try RecordFile.read(missing)
        }
        let latin = Array("{\"text\":\"caf".utf8) + [0xE9] + Array("\"}".utf8)
        let error = #expect(throws: TrainingError.self) { try RecordFile.parse(latin, path: "l.jsonl") }
        #expect(try #require(error).description.contains("l.jsonl, line 1"))
    }

    @Test("empty answers can be kept, to be counted")
    func emptyAnswers() throws {
        let file = try parse(
            "{\"instruction\":\"q\"}\n{\"instruction\":\"q\",\"output\":\"\"}",
            emptyAnswers: .accepted
        )
        #expect(file.records.map(\.hasEmptyAnswer) == [true, true])
    }

    @Test("CSV: quotes, commas, line breaks, doubled quotes, CRLF, mapping, verbatim rows")
    func csv() throws {
        let text = "id,Question,Reply,who\r\n1,\"a, \"\"b\"\"\r\nc\",yes,p1\r\n\r\n2,plain,\"no\",\r\n"
        let columns = try ColumnMapping(parsing: "instruction=Question,output=Reply,subject=who")
        let file = try parse(text, isCSV: true, columns: columns)
        #expect(
            file.records == [
                Record(instruction: "a, \"b\"\r\nc", output: "yes", subject: "p1"),
                Record(instruction: "plain", output: "no"),
            ]
        )
        #expect(file.lines == [2, 5])
        #expect(String(decoding: file.source(of: 0), as: UTF8.self) == "1,\"a, \"\"b\"\"\r\nc\",yes,p1")
        let again = try RecordFile.parse(
            Array(file.file(of: [1, 0])),
            path: "b.csv",
            isCSV: true,
            columns: columns
        )
        #expect(again.records == file.records.reversed())
    }

    @Test(
        "CSV errors",
        arguments: [
            ("output\n\"open", "never closed"), ("output\n\"a\"b\n", "after a closing"), ("output\na\"b\n", "unquoted"),
            ("output,text2\nonly\n", "1 fields where the header has 2"), ("a,b\n1,2\n", "no column is mapped"),
        ]
    )
    func csvErrors(text: String, message: String) throws {
        let error = #expect(throws: TrainingError.self) { try parse(text, isCSV: true) }
        #expect(try #require(error).description.contains(message))
    }

    @Test("column mappings refuse what they do not know")
    func mappings() throws {
        for bad in ["", "instruction", "colour=Red", "output=a,output=b"] {
            #expect(throws: TrainingError.self) { try ColumnMapping(parsing: bad) }
        }
        let columns = try ColumnMapping(parsing: "output=Nope")
        let error = #expect(throws: TrainingError.self) { try parse("a,b\n1,2", isCSV: true, columns: columns) }
        #expect(try #require(error).description.contains("no column \"Nope\""))
    }

    @Test("any table of random fields is read back as it was written")
    func csvRoundTrip() throws {
        var generator = SeededGenerator(seed: 3)
        let alphabet: [Character] = ["a", "é", ",", "\"", "\n", " ", "\t", "漢", ";"]
        for _ in 0..<200 {
            let rows = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                (0..<2).map { _ in
                    String(
                        (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                            alphabet.randomElement(using: &generator) ?? "a"
                        }
                    )
                }
            }
            let quoted = rows.map { $0.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") }
            let text = "instruction,output\n" + quoted.joined(separator: "\n")
            let file = try parse(text, isCSV: true, emptyAnswers: .accepted)
            #expect(file.records.map { [$0.instruction ?? "", $0.output ?? ""] } == rows)
        }
    }

    @Test("damaged files end in an error or in records, never in a crash")
    func fuzz() throws {
        var generator = SeededGenerator(seed: 4)
        let jsonl = Array(
            "{\"instruction\":\"é\",\"output\":\"a\\u00e9\"}\n{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}\n"
                .utf8
        )
        let csv = Array("instruction,output\r\n\"a\"\"b\",c\r\nd,\"e\nf\"\r\n".utf8)
        var refused = 0
        for round in 0..<2000 {
            var bytes = round % 2 == 0 ? jsonl : csv
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                guard !bytes.isEmpty else { break }
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes = Array(bytes.prefix(max(1, place)))
                }
            }
            do {
                let file = try RecordFile.parse(bytes, path: "f", isCSV: round % 2 == 1)
                #expect(!file.records.isEmpty)
            } catch let error as TrainingError {
                #expect(error.description.hasPrefix("f"))
                refused += 1
            }
        }
        #expect(refused > 200)
    }

    @Test("gzip is recognised by its content")
    func gzip() throws {
        // printf '{"text":"hello"}\n' | gzip -n
        let packed: [UInt8] = [
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xab, 0x56, 0x2a, 0x49, 0xad, 0x28, 0x51, 0xb2,
            0x52, 0xca, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xaa, 0xe5, 0x02, 0x00, 0xbe, 0xa6, 0x31, 0x1d, 0x11, 0x00, 0x00,
            0x00,
        ]
        let path = temporaryPath(".jsonl.gz")
        try Data(packed).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try RecordFile.read(path) == [Record(text: "hello")])
        try Data(packed.dropLast(8)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: TrainingError.self) { try RecordFile.read(path) }
        #expect(try #require(error).description.contains("gzip"))
    }
}
