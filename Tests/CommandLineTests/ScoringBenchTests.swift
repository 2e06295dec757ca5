import Foundation
import Testing

/// `fsot bench scoring`.
struct ScoringBenchTests {
    @Test func bothSpeedsAndTheirRatioArePrinted() throws {
        let scratch = try Scratch()
        try scratch.addModel()
        let flags = ["bench", "scoring", "model", "--records", "3", "--length", "12", "--runs", "2", "--quiet"]
        let run = try Transcript.run(flags + ["--answer", "0.5", "--json"], in: scratch)
        #expect(run.status == 0, "\(run.errors)")
        let figures = try run.json()
        #expect(figures["scored_tokens"] as? Int == 6)
        for key in ["prefill_tokens_per_second", "scoring_tokens_per_second", "scoring_to_prefill"] {
            #expect(try #require(figures[key] as? Double) > 0)
        }
        let people = try Transcript.run(flags, in: scratch)
        #expect(people.status == 0 && people.output.contains("of prefill"))
    }

    @Test(arguments: [
        ["--records", "0"], ["--length", "1"], ["--runs", "0"], ["--answer", "0"], ["--answer", "nan"],
    ])
    func impossibleFiguresAreRefused(_ flags: [String]) throws {
        let run = try Transcript.run(["bench", "scoring", "model"] + flags, in: Scratch())
        #expect(run.status == 64 && run.errors.contains(flags[0]), "\(run.errors)")
    }

    @Test func aRecordLongerThanTheModelIsNamed() throws {
        let scratch = try Scratch()
        try scratch.addModel()
        let run = try Transcript.run(
            ["bench", "scoring", "model", "--length", "100000", "--records", "2"],
            in: scratch
        )
        #expect(run.status == 1 && run.errors.contains("positions of model"), "\(run.errors)")
    }
}
