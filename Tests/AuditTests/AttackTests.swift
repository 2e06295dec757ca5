import Audit
import Compression
import Foundation
import TensorEngine
import Testing
import Training

@Suite("Attacks")
struct AttackTests {
    private func observation(
        _ tuned: [TokenObservation],
        reference: [TokenObservation]? = nil,
        lowered: [TokenObservation]? = nil,
        answer: String = "answer",
        id: String = "r"
    ) -> RecordObservation {
        RecordObservation(
            record: AuditedRecord(id: id, holder: "h", coin: 0, isMember: true, text: answer, answer: answer),
            tuned: tuned,
            reference: reference ?? tuned,
            lowered: lowered
        )
    }

    private func tokens(_ values: [Double], isArgmax: [Bool]? = nil) -> [TokenObservation] {
        values.enumerated().map {
            TokenObservation(logProbability: $1, mean: -1, deviation: 1, isArgmax: isArgmax?[$0] ?? false)
        }
    }

    @Test("LOSS, MINK and MINK++ on fixed logits, against numpy")
    func golden() throws {
        let golden = try GoldenMetrics.load().token_attacks
        let computed = zip(golden.logits, golden.targets).map { logits, target -> TokenObservation in
            let top = logits.max() ?? 0
            let normaliser = top + log(logits.reduce(0) { $0 + exp($1 - top) })
            let logProbabilities = logits.map { $0 - normaliser }
            let mean = logProbabilities.reduce(0) { $0 + exp($1) * $1 }
            let square = logProbabilities.reduce(0) { $0 + exp($1) * $1 * $1 }
            return TokenObservation(
                logProbability: logProbabilities[target],
                mean: mean,
                deviation: (square - mean * mean).squareRoot(),
                isArgmax: logits[target] == top
            )
        }
        for (index, token) in computed.enumerated() {
            try expectClose(token.logProbability, golden.token_logprobs[index], 1e-12, "log p")
            try expectClose(token.mean, golden.mu[index], 1e-12, "mu")
            try expectClose(token.deviation, golden.sigma[index], 1e-12, "sigma")
        }
        let record = observation(computed)
        try expectClose(LossAttack().scores(of: [record])[0], golden.loss_score_mean_ll, 1e-12, "LOSS")
        #expect(golden.fractions.count == 10)
        for (key, expected) in golden.fractions {
            let parts = key.split(separator: "_")
            let fraction = try #require(Double(parts[1]))
            let attack: any Attack =
                parts[0] == "mink" ? MinKAttack(fraction: fraction) : MinKPlusPlusAttack(fraction: fraction)
            try expectClose(attack.scores(of: [record])[0], expected, 1e-12, key)
        }
    }

    @Test("EZ on the golden example, and with the fallback that the published code lacks")
    func errorZone() throws {
        let golden = try GoldenMetrics.load().ez_mia
        let record = observation(
            tokens(golden.target_logprob, isArgmax: golden.isError.map { $0 == 0 }),
            reference: tokens(golden.ref_logprob)
        )
        try expectClose(EZAttack().scores(of: [record])[0], golden.smoothed, 1e-12, "EZ")

        let memorised = observation(tokens([-0.1, -0.1], isArgmax: [true, true]), reference: tokens([-3, -3]))
        let alsoMemorised = observation(tokens([-0.1, -0.1], isArgmax: [true, false]), reference: tokens([-2, -2]))
        let scores = EZAttack().scores(of: [record, alsoMemorised, memorised])
        #expect(scores[0] < scores[1] && scores[1] < scores[2])
        #expect(EZAttack().scores(of: [memorised, memorised])[0].isFinite)
    }

    @Test("zlib lengths are those of Python, and ZLIB divides by that of the scored text")
    func zlib() throws {
        for row in try GoldenMetrics.load().zlib_len_default_level6 {
            #expect(row.text.utf8.count == row.utf8_len)
            #expect(Zlib.compressedLength(of: row.text.utf8) == row.zlib_len)
            let score = ZlibAttack().scores(of: [observation(tokens([-1, -3]), answer: row.text)])[0]
            #expect(score == -2 / Double(row.zlib_len))
        }
    }

    @Test("RATIO and LOWER subtract means, whatever the lengths")
    func differences() throws {
        let record = observation(tokens([-1, -2]), reference: tokens([-2, -4]), lowered: tokens([-5, -4, -3]))
        #expect(RatioAttack().scores(of: [record]) == [1.5])
        #expect(try LowerAttack().scores(of: [record]) == [2.5])
        #expect(throws: AuditError.unusableObservation(record: "r", reason: "its lower-cased form was not scored")) {
            try LowerAttack().scores(of: [observation(tokens([-1]))])
        }
    }

    @Test("MINK looks at one token at least, MINK++ survives a certain model")
    func edgeCases() {
        #expect(MinKAttack(fraction: 0.2).scores(of: [observation(tokens([-1, -2, -3]))]) == [-3])
        let certain = TokenObservation(logProbability: 0, mean: 0, deviation: 0, isArgmax: true)
        #expect(MinKPlusPlusAttack().scores(of: [observation([certain])])[0].isFinite)
    }

    @Test("NaN is an error with the record's id")
    func notANumber() {
        let broken = observation(tokens([-1, .nan]), id: "clinic-a:7")
        #expect(throws: AuditError.nonFiniteScore(attack: "LOSS", record: "clinic-a:7", value: "nan")) {
            try LossAttack().checkedScores(of: [broken])
        }
    }

    @Test("The registry knows every name, in any case, and no other")
    func registry() throws {
        let suite = AttackSuite()
        #expect(
            try AttackRegistry.names.map { try AttackRegistry.attack(named: $0, suite: suite).name }
                == AttackRegistry.names
        )
        #expect(try AttackRegistry.attack(named: "mink++", suite: suite).name == "MINK++")
        #expect(throws: AuditError.unknownAttack(name: "LIRO", known: AttackRegistry.names)) {
            try AttackRegistry.attack(named: "LIRO", suite: suite)
        }
    }

    @Test("Lower-casing reaches every text of a record and nothing else")
    func lowercased() {
        let record = Record(instruction: "Ask ME", input: "In", output: "OUT", category: "Cat", subject: "S-1")
        #expect(
            record.lowercased()
                == Record(instruction: "ask me", input: "in", output: "out", category: "Cat", subject: "S-1")
        )
        #expect(Record(text: "Über").lowercased().text == "über")
        let turns = [RecordMessage(role: "assistant", content: "Yes")]
        #expect(Record(messages: turns).lowercased().messages == [RecordMessage(role: "assistant", content: "yes")])
    }
}
