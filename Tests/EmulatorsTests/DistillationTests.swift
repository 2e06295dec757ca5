import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// Distillation of a thinned tiny llama: what it minimises, what it changes, and that it falls.
@Suite struct DistillationTests {
    private let full: LanguageModel
    private let split: OffsiteSplit

    init() throws {
        full = try Golden.committedModel("llama")
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0.5, selection: .uniform)
    }

    private func emulator() throws -> LanguageModel {
        try full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
    }

    private func configuration(
        _ loss: DistillationLoss,
        tokens: Int = 12_000,
        learningRate: Double = 3e-3,
        seed: UInt64 = 0
    ) -> DistillationConfiguration {
        DistillationConfiguration(
            tokens: tokens,
            loss: loss,
            learningRate: learningRate,
            batch: 4,
            length: 24,
            seed: seed
        )
    }

    @discardableResult
    private func distil(
        _ student: LanguageModel,
        _ configuration: DistillationConfiguration,
        text: PublicText = RandomText.sequences(40),
        heldOut: PublicText? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> DistillationReport {
        try Distillation(emulator: student, full: full, split: split, configuration: configuration)
            .run(on: text, heldOut: heldOut, isCancelled: isCancelled)
    }

    private func values(_ parameters: [Parameter]) -> [[Float]] { parameters.map { $0.value.values } }

    @Test(arguments: DistillationLoss.allCases) func errorFallsAndOnlyTheMiddleMoves(_ loss: DistillationLoss) throws {
        let student = try emulator()
        let before = values(student.parameters)
        let teacher = values(full.parameters)
        let report = try distil(student, configuration(loss))
        let count = report.losses.count
        let first = report.losses.prefix(10).reduce(0, +) / 10
        let last = report.losses.suffix(10).reduce(0, +) / 10
        #expect(count > 100 && report.losses.allSatisfy(\.isFinite))
        #expect(last < 0.8 * first, "\(first) → \(last)")
        #expect(abs(report.tokens - 12_000) < 400)
        let middle = Set(student.blocks[split.thinnedMiddle].flatMap(\.parameters).map(\.name))
        for (parameter, old) in zip(student.parameters, before) {
            #expect((parameter.value.values != old) == middle.contains(parameter.name), "\(parameter.name)")
            #expect(!parameter.isTrainable)
        }
        #expect(values(full.parameters) == teacher)
    }

    /// The first loss, worked out here from the two models' hidden states.
    @Test(arguments: DistillationLoss.allCases) func lossIsTheOneThatIsNamed(_ loss: DistillationLoss) throws {
        let student = try emulator()
        let text = RandomText.sequences(4)
        let report = try distil(student, configuration(loss, tokens: 96), text: text)
        let untouched = try emulator()
        var (perToken, perLayer, rows, errors, energy) = (0.0, 0.0, 0, 0.0, 0.0)
        for ids in text.sequences {
            let tape = Tape(isRecording: false)
            let layout = SequenceLayout(lengths: [ids.count])
            let input = full.run(
                blocks: 0..<1,
                from: full.embed(ids, layout: layout, on: tape),
                layout: layout,
                on: tape
            )
            let teacher = full.run(blocks: 1..<3, from: input, layout: layout, on: tape).values
            let made = untouched.run(blocks: 1..<2, from: input, layout: layout, on: tape).values
            let start = input.values
            let width = teacher.count / ids.count
            for token in ids.indices {
                let range = token * width..<(token + 1) * width
                let error = range.reduce(0.0) { $0 + pow2(made[$1] - teacher[$1]) }
                let square = range.reduce(0.0) { $0 + pow2(teacher[$1]) }
                errors += error
                energy += square
                if token == 0 { continue }
                perToken += error / square
                perLayer += error / range.reduce(0.0) { $0 + pow2(teacher[$1] - start[$1]) }
                rows += 1
            }
        }
        let expected =
            switch loss {
            case .perToken: perToken / Double(rows)
            case .perLayer: perLayer / Double(rows)
            case .offsiteTuning: errors / energy
            }
        #expect(rows == text.tokenCount - text.sequences.count)
        #expect(abs(report.losses[0] - expected) < 1e-5 * expected, "\(report.losses[0]) and \(expected)")
        #expect(abs(perToken / Double(rows) - errors / energy) > 1e-3 * expected, "the two losses cannot be told apart")
    }

    @Test func wholeMiddleHasNothingToLearn() throws {
        let whole = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        let student = try full.subset(blocks: whole.sourceLayers, copying: Set(whole.thinnedMiddle))
        let distillation = Distillation(
            emulator: student,
            full: full,
            split: whole,
            configuration: configuration(.perToken, tokens: 400)
        )
        let report = try distillation.run(on: RandomText.sequences(8))
        #expect(report.losses.allSatisfy { $0 < 1e-10 })
        #expect(values(student.parameters) == values(full.parameters))
    }

    @Test func seedDecidesEveryBit() throws {
        func run(_ seed: UInt64) throws -> [[Float]] {
            let student = try emulator()
            try distil(student, configuration(.perToken, tokens: 1_000, seed: seed))
            return values(student.parameters)
        }
        let first = try run(1)
        #expect(try run(1) == first)
        #expect(try run(2) != first)
    }

    /// Beside the distance, KL(full ‖ emulator) in the emulator's own words.
    @Test func divergenceIsAddedByItsWeight() throws {
        let text = RandomText.sequences(3)
        func first(_ weight: Double) throws -> Double {
            var configuration = configuration(.perToken, tokens: 72)
            configuration.divergenceWeight = weight
            return try distil(emulator(), configuration, text: text).losses[0]
        }
        var divergence = 0.0
        let student = try emulator()
        for ids in text.sequences {
            let (p, q) = (try full.logits(ids), try student.logits(ids))
            for row in ids.indices {
                let (a, b) = (softmax(p, row), softmax(q, row))
                divergence += zip(a, b).reduce(0) { $0 + $1.0 * ($1.0 / $1.1).logarithm }
            }
        }
        let expected = try first(0) + 0.5 * divergence / Double(text.tokenCount)
        #expect(abs(try first(0.5) - expected) < 1e-4 * expected)
    }

    /// Held-out text decides which weights stay: with a rate that ruins the student, those it began with.
    @Test func bestWeightsOnHeldOutTextStay() throws {
        let student = try emulator()
        let before = values(student.parameters)
        let report = try distil(
            student,
            configuration(.perToken, learningRate: 3),
            heldOut: RandomText.sequences(4, seed: 5)
        )
        #expect(report.stoppedEarly && report.heldOut.count == 4 && report.losses.count < 125)
        #expect(report.heldOut.map(\.loss).min() == report.heldOut.first?.loss)
        #expect(values(student.parameters) == before)
        let good = try emulator()
        let kept = try distil(good, configuration(.perToken), heldOut: RandomText.sequences(4, seed: 5))
        let best = try #require(kept.heldOut.map(\.loss).min())
        #expect(best < kept.heldOut[0].loss)
        let distillation = Distillation(
            emulator: good,
            full: full,
            split: split,
            configuration: configuration(.perToken)
        )
        let left = try distillation.error(on: RandomText.sequences(4, seed: 5))
        #expect(abs(left - best) < 1e-6 * best)
    }

    @Test func onlyFeedForwardLayersMoveWhenAsked() throws {
        let student = try emulator()
        let before = values(student.parameters)
        var configuration = configuration(.perLayer, tokens: 500)
        configuration.weights = .feedForward
        try distil(student, configuration)
        for (parameter, old) in zip(student.parameters, before) {
            let isMoved = parameter.name.hasPrefix("model.layers.1.mlp.")
            #expect((parameter.value.values != old) == isMoved, "\(parameter.name)")
        }
    }

    @Test func noTokensChangeNothing() throws {
        let student = try emulator()
        let report = try distil(student, configuration(.perToken, tokens: 0))
        #expect(report.losses.isEmpty && report.tokens == 0)
        #expect(try values(student.parameters) == values(emulator().parameters))
    }

    @Test func stopsWhenAskedAndWhenItDiverges() throws {
        #expect(throws: CancellationError.self) {
            try distil(emulator(), configuration(.perToken), isCancelled: { true })
        }
        #expect {
            try distil(emulator(), configuration(.perToken, learningRate: 1e20))
        } throws: { error in
            guard case EmulatorError.diverged(let step) = error else { return false }
            return step > 1 && "\(error)".contains("--distill-lr")
        }
    }
}

private func pow2(_ value: Float) -> Double { Double(value) * Double(value) }

private func softmax(_ logits: Tensor, _ row: Int) -> [Double] {
    let z = logits.values[row * logits.columns..<(row + 1) * logits.columns].map(Double.init)
    let top = z.max() ?? 0
    let e = z.map { Foundation.exp($0 - top) }
    let sum = e.reduce(0, +)
    return e.map { $0 / sum }
}

extension Double {
    fileprivate var logarithm: Double { Foundation.log(self) }
}

/// Sequences of random tokens for the tiny models' vocabulary of 256.
enum RandomText {
    static func sequences(_ count: Int, length: Int = 24, seed: UInt64 = 9) -> PublicText {
        var generator = SeededGenerator(seed: seed)
        let sequences = (0..<count).map { _ in (0..<length).map { _ in Int32.random(in: 3..<256, using: &generator) } }
        return PublicText(sequences: sequences, source: "random")
    }
}
