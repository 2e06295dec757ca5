import Checkpoints
import Foundation
import Testing

@Suite struct JSONValueTests {
    @Test func keepsIntegersExactAndApartFromFractions() throws {
        let value = try JSONValue.parse(
            "[9223372036854775807, -9223372036854775808, 1.0, 1e3, -0, 9223372036854775808]"
        )
        #expect(value[0] == .int(.max))
        #expect(value[1] == .int(.min))
        #expect(value[2] == .double(1))
        #expect(value[3]?.int == 1000)
        #expect(value[4] == .int(0))
        #expect(value[5] == .double(9_223_372_036_854_775_808))
        #expect(value[5]?.int == nil)
    }

    @Test func readsEscapesAndSurrogatePairs() throws {
        let value = try JSONValue.parse(#"{"a\u0041\n\/\"\\": "\ud83d\ude00 \u00e9 ☃\b\f\r\t"}"#)
        #expect(value["aA\n/\"\\"]?.string == "😀 é ☃\u{8}\u{c}\r\t")
    }

    @Test func tellsCanonicallyEquivalentKeysApart() throws {
        let value = try JSONValue.parse(#"{"\u00e9": 1, "e\u0301": 2}"#)
        #expect(value.object?.count == 2)
        #expect(value["\u{e9}"]?.int == 1)
        #expect(value["e\u{301}"]?.int == 2)
    }

    @Test(arguments: [
        ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\":1,\"a\":2}", 7), ("01", 2), ("1.", 2), ("1e", 2), ("-", 1),
        ("nul", 0), ("\"a", 2), ("\"\\ud800\"", 7), ("\"\\x\"", 3), ("1 2", 2), ("1e999", 5), ("\"\u{1}\"", 1),
        ("[1 2]", 3), ("{1:2}", 1), ("NaN", 0),
    ])
    func refusesWhatIsNotJSON(_ text: String, _ offset: Int) throws {
        let error = #expect(throws: CheckpointError.self) { try JSONValue.parse(text, path: "x.json") }
        guard case .invalidJSON("x.json", let found, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == offset)
    }

    @Test func refusesBytesThatAreNotUTF8() {
        #expect(throws: CheckpointError.self) { try JSONValue.parse(Data([0x22, 0xff, 0x22])) }
        #expect(throws: CheckpointError.self) { try JSONValue.parse(Data([0x22, 0x5c, 0x6e, 0xc3, 0x22])) }
    }

    @Test func refusesDeepNestingWithoutOverflowingTheStack() {
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: CheckpointError.self) { try JSONValue.parse(deep) }
        let allowed = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try JSONValue.parse(allowed) }
    }

    @Test func writesCanonicalTextThatReadsBack() throws {
        let value: JSONValue = [
            "b": [1, 2.5, 1e-05, 1e22, true, nil], "a": ["z": "q\"\\\u{1}\n☃"], "é": [:], "c": [],
        ]
        let text = value.canonicalText
        #expect(
            text == #"{"a":{"z":"q\"\\\u0001\n☃"},"b":[1,2.5,1e-05,1e+22,true,null],"c":[],"é":{}}"#
        )
        #expect(try JSONValue.parse(text) == value)
        #expect(try JSONValue.parse(value.prettyText) == value)
        #expect((["a": [1]] as JSONValue).prettyText == "{\n  \"a\": [\n    1\n  ]\n}\n")
    }

    @Test func agreesWithFoundationInBothDirections() throws {
        let value: JSONValue = ["a": [1, -2.5, "x", true, false, nil], "b": ["c": 9_007_199_254_740_993]]
        let encoded = try JSONEncoder().encode(value)
        #expect(try JSONValue.parse(encoded) == value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(value.canonicalText.utf8)) == value)
    }

    @Test func changesEntriesInPlace() {
        var value: JSONValue = ["a": 1]
        value["b"] = ["c": 2]
        value["b"]?["d"] = 3
        value["a"] = nil
        #expect(value == ["b": ["c": 2, "d": 3]])
    }

    @Test func everyTruncationIsAnErrorAndEveryFlipIsAnErrorOrAValue() throws {
        let text = Data(#"{"a": [1, 2.5e3, "\u00e9\ud83d\ude00"], "b": {"c": null, "d": true}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: CheckpointError.self) { try JSONValue.parse(text.prefix(length)) }
        }
        for index in text.indices {
            for bit in 0..<8 {
                var damaged = text
                damaged[index] ^= 1 << bit
                do throws(CheckpointError) {
                    let value = try JSONValue.parse(damaged)
                    #expect(try JSONValue.parse(value.canonicalText) == value)
                } catch {
                    #expect(!error.description.isEmpty)
                }
            }
        }
    }
}
