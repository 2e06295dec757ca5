import Emulators
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
        isCancelled: () -> Bool = { false }
    ) throws -> DistillationReport {
        try Distillation.run(
            emulator: student,
            full: full,
            split: split,
            text: text,
            configuration: configuration,
            isCancelled: isCancelled
        )
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
        var (perToken, rows, errors, energy) = (0.0, 0, 0.0, 0.0)
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
            let width = teacher.count / ids.count
            for token in ids.indices {
                let range = token * width..<(token + 1) * width
                let error = range.reduce(0.0) { $0 + pow2(made[$1] - teacher[$1]) }
                let square = range.reduce(0.0) { $0 + pow2(teacher[$1]) }
                errors += error
                energy += square
                if token < DistillationConfiguration.sinkTokens { continue }
                perToken += error / square
                rows += 1
            }
        }
        let expected = loss == .perToken ? perToken / Double(rows) : errors / energy
        #expect(rows == text.tokenCount - text.sequences.count * DistillationConfiguration.sinkTokens)
        #expect(abs(report.losses[0] - expected) < 1e-5 * expected, "\(report.losses[0]) and \(expected)")
        #expect(abs(perToken / Double(rows) - errors / energy) > 1e-3 * expected, "the two losses cannot be told apart")
    }

    @Test func wholeMiddleHasNothingToLearn() throws {
        let whole = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        let student = try full.subset(blocks: whole.sourceLayers, copying: Set(whole.thinnedMiddle))
        let report = try Distillation.run(
            emulator: student,
            full: full,
            split: whole,
            text: RandomText.sequences(8),
            configuration: configuration(.perToken, tokens: 400)
        )
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

/// Sequences of random tokens for the tiny models' vocabulary of 256.
enum RandomText {
    static func sequences(_ count: Int, length: Int = 24, seed: UInt64 = 9) -> PublicText {
        var generator = SeededGenerator(seed: seed)
        let sequences = (0..<count).map { _ in (0..<length).map { _ in Int32.random(in: 3..<256, using: &generator) } }
        return PublicText(sequences: sequences, source: "random")
    }
}
