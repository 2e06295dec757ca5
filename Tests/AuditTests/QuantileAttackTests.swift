import Audit
import Foundation
import TensorEngine
import Testing

/// QUANTILE on token statistics whose gains are known functions of a record's difficulty and length.
@Suite("QUANTILE")
struct QuantileAttackTests {
    private struct Drawn {
        var tuned: [TokenObservation]
        var reference: [TokenObservation]
    }

    /// A record that tuning helps the more the harder it was, and the noisier the shorter it is; members by `extra` nats more.
    private func draw(extra: Double, using generator: inout SeededGenerator) -> Drawn {
        let count = 6 + Int(generator.uniform() * 60)
        let difficulty = 1 + 3 * generator.uniform()
        let reference = (0..<count).map { _ in
            let surprise = -log(1 - generator.uniform()) * difficulty
            return TokenObservation(
                logProbability: -surprise,
                mean: -difficulty,
                deviation: 1,
                isArgmax: surprise < 0.5
            )
        }
        let mean = -reference.reduce(0) { $0 + $1.logProbability } / Double(count)
        let gain = 0.4 * mean + extra + 0.5 * generator.normal() / Double(count).squareRoot()
        let tuned = reference.map { token in
            var token = token
            token.logProbability += gain
            return token
        }
        return Drawn(tuned: tuned, reference: reference)
    }

    private func outsiders(_ count: Int, using generator: inout SeededGenerator) -> OutsiderScores {
        let drawn = (0..<count).map { _ in draw(extra: 0, using: &generator) }
        return OutsiderScores(tuned: drawn.map(\.tuned), reference: drawn.map(\.reference))
    }

    private func observation(_ drawn: Drawn, _ outsiders: OutsiderScores?, id: Int, isMember: Bool) -> RecordObservation
    {
        RecordObservation(
            record: AuditedRecord(id: "r\(id)", holder: "h", coin: id, isMember: isMember, text: "", answer: ""),
            tuned: drawn.tuned,
            reference: drawn.reference,
            outsiders: outsiders
        )
    }

    @Test("Gains that difficulty explains tell nobody apart any more")
    func power() throws {
        var generator = SeededGenerator(seed: 4)
        let outsiders = outsiders(200, using: &generator)
        let isMember = (0..<400).map { $0.isMultiple(of: 2) }
        let observations = isMember.enumerated().map { id, isMember in
            observation(draw(extra: isMember ? 0.2 : 0, using: &generator), outsiders, id: id, isMember: isMember)
        }
        func auc(_ attack: any Attack) throws -> Double {
            AUC.value(of: try LabelledScores(scores: attack.checkedScores(of: observations), isMember: isMember))
        }
        let (ratio, quantile) = try (auc(RatioAttack()), auc(QuantileAttack()))
        #expect(quantile > 0.9 && quantile > ratio + 0.1, "\(quantile) against \(ratio)")
    }

    @Test("On records that nobody trained on the scores are standard normal, short records and long ones alike")
    func calibration() throws {
        var generator = SeededGenerator(seed: 6)
        let outsiders = outsiders(300, using: &generator)
        let observations = (0..<1000).map {
            observation(draw(extra: 0, using: &generator), outsiders, id: $0, isMember: false)
        }
        let scores = try QuantileAttack().checkedScores(of: observations)
        for isLong in [false, true] {
            let own = zip(scores, observations).filter { ($0.1.tuned.count > 30) == isLong }.map(\.0)
            let mean = own.reduce(0, +) / Double(own.count)
            let deviation = (own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)).squareRoot()
            #expect(abs(mean) < 0.2 && abs(deviation - 1) < 0.2, "\(mean), \(deviation)")
        }
    }

    @Test("A model that was not tuned gives every record the same score")
    func untuned() throws {
        var generator = SeededGenerator(seed: 8)
        let drawn = (0..<60).map { _ in draw(extra: 0, using: &generator).reference }
        let outsiders = OutsiderScores(tuned: drawn, reference: drawn)
        let observations = (0..<20).map { id in
            let tokens = draw(extra: 0, using: &generator).reference
            return observation(Drawn(tuned: tokens, reference: tokens), outsiders, id: id, isMember: false)
        }
        #expect(try Set(QuantileAttack().checkedScores(of: observations)) == [0])
    }

    @Test("Too few outsiders are refused, and those without scored tokens do not count")
    func tooFew() throws {
        var generator = SeededGenerator(seed: 9)
        let few = outsiders(OutsiderScores.minimum - 1, using: &generator)
        let padded = OutsiderScores(tuned: few.tuned + [[]], reference: few.reference + [[]])
        for given in [nil, few, padded] {
            let record = observation(draw(extra: 0, using: &generator), given, id: 3, isMember: true)
            let error = #expect(throws: AuditError.self) { try QuantileAttack().scores(of: [record]) }
            #expect("\(String(describing: error))".contains("fewer than 30 records"))
        }
    }
}
