import Foundation
import Testing

/// `fsot bench aggregation`.
struct AggregationBenchTests {
    private static let small = ["bench", "aggregation", "--parameters", "1000", "--json", "--quiet"]

    @Test(arguments: [["--bits", "32"], ["--bits", "24", "--rotate"], ["--bits", "16"]]) func aRoundIsExact(
        _ flags: [String]
    ) throws {
        let run = try Transcript.run(Self.small + ["--participants", "7", "--dropout", "0.2"] + flags, in: Scratch())
        #expect(run.status == 0, "\(run.errors)")
        let figures = try run.json()
        #expect(figures["exact"] as? Bool == true)
        #expect(figures["dropouts"] as? Int == 1)
        for key in ["client_cpu_s", "server_cpu_s"] { #expect(try #require(figures[key] as? Double) > 0) }
        let padded = flags.contains("--rotate") ? 1024 : 1000
        let vector = padded * (try #require(Int(flags[1]))) / 8
        let upload = try #require(figures["upload_bytes"] as? Int)
        #expect(upload > vector && upload < vector + 4000)
        #expect(try #require(figures["peak_rss_bytes"] as? Int) > 1_000_000)
    }

    @Test func peopleGetATable() throws {
        let run = try Transcript.run(
            ["bench", "aggregation", "--participants", "4", "--parameters", "100", "--dropout", "0", "--quiet"],
            in: Scratch()
        )
        #expect(run.status == 0 && run.errors.isEmpty)
        #expect(run.output.contains("sum         exact"))
        #expect(run.output.contains("a data holder") && run.output.contains("the coordinator"))
    }

    @Test func tooManyDropoutsAreNamed() throws {
        let run = try Transcript.run(Self.small + ["--participants", "3", "--dropout", "0.4"], in: Scratch())
        #expect(run.status == 1 && run.errors.contains("lower --dropout 0.4"))
    }

    @Test(arguments: [
        ["--participants", "2"], ["--participants", "1000"], ["--parameters", "0"], ["--dropout", "1"],
        ["--dropout", "nan"], ["--bits", "8"],
    ]) func impossibleFiguresAreRefused(_ flags: [String]) throws {
        let run = try Transcript.run(["bench", "aggregation"] + flags, in: Scratch())
        #expect(run.status == 64 && run.errors.contains(flags[0]), "\(run.errors)")
    }

    @Test func accuracyIsTabulatedForEveryWidth() throws {
        let run = try Transcript.run(Self.small + ["--accuracy"], in: Scratch())
        #expect(run.status == 0, "\(run.errors)")
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
        #expect(rows.count == 18)
        func loss(_ participants: Int, _ bits: Int, _ isRotated: Bool) throws -> Double {
            let row = rows.first {
                $0["participants"] as? Int == participants && $0["bits"] as? Int == bits
                    && $0["isRotated"] as? Bool == isRotated
            }
            return try #require(row?["meanSquaredError"] as? Double)
        }
        for participants in [3, 10, 100] {
            #expect(try loss(participants, 16, true) < loss(participants, 16, false))
            #expect(try loss(participants, 32, false) < loss(participants, 24, false))
            #expect(try loss(participants, 24, false) < loss(participants, 16, false))
        }
    }
}
