import Emulators
import LanguageModels
import TensorEngine
import TestSupport
import Testing
import Training

/// The forecast of transfer: gradients of the adapter under an emulator against those under the full model.
@Suite struct GradientForecastTests {
    private let full: LanguageModel
    private let batches: [[EncodedExample]]

    init() throws {
        full = try DeepModel.make()
        let examples = DeepModel.text(12).enumerated().map { index, ids in
            EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
        batches = [Array(examples[..<5]), Array(examples[5...])]
    }

    private func gradients(
        bottom: Int = 1,
        top: Int = 2,
        batches: [[EncodedExample]]? = nil
    ) throws -> AdapterGradients {
        try AdapterGradients(full: full, bottom: bottom, top: top, batches: batches ?? self.batches, source: "x")
    }

    /// The gradient of some blocks on one batch, taken by hand.
    private func gradient(_ model: LanguageModel, _ blocks: Range<Int>, _ batch: [EncodedExample]) -> [Float] {
        let parameters = model.blocks[blocks].flatMap(\.parameters)
        for parameter in parameters { parameter.isTrainable = true }
        defer { for parameter in parameters { parameter.isTrainable = false } }
        let tape = Tape()
        tape.backward(from: model.loss(TokenBatch(batch), on: tape))
        return parameters.flatMap { $0.gradient?.values ?? [] }
    }

    @Test func theFullModelAgreesWithItself() throws {
        let forecast = try gradients().forecast(full)
        let (bottom, top) = (try #require(forecast.bottom), try #require(forecast.top))
        for end in [bottom, top] {
            #expect(abs(end.cosine - 1) < 1e-9 && abs(end.normRatio - 1) < 1e-9)
            #expect(end.noise > -1 && end.noise < 0.999)
        }
        #expect(!forecast.isPoor && forecast.batches == 2 && forecast.tokens == 12 * 12)
        let copy = try full.subset(blocks: Array(0..<8))
        #expect(try gradients().forecast(copy) == forecast)
    }

    @Test func figuresAreThoseOfTheGradients() throws {
        let emulator = try full.subset(blocks: [0, 2, 5, 6, 7], copying: [1, 2])
        let forecast = try gradients().forecast(emulator)
        let ends = [(forecast.bottom, 0..<1, 0..<1), (forecast.top, 3..<5, 6..<8)]
        for (end, mine, theirs) in ends {
            let end = try #require(end)
            let own = batches.map { gradient(emulator, mine, $0) }
            let reference = batches.map { gradient(full, theirs, $0) }
            let cosines = zip(own, reference).map { cosine($0, $1) }
            let ratios = zip(own, reference).map { norm($0) / norm($1) }
            #expect(abs(end.cosine - (cosines[0] + cosines[1]) / 2) < 1e-6)
            #expect(abs(end.normRatio - (ratios[0] + ratios[1]) / 2) < 1e-6)
            #expect(abs(end.noise - cosine(reference[0], reference[1])) < 1e-6)
            #expect(end.cosine < 0.999)
        }
    }

    @Test func batchesMayChangePlaces() throws {
        let emulator = try full.subset(blocks: [0, 3, 6, 7], copying: [1])
        let one = try gradients().forecast(emulator)
        let other = try gradients(batches: batches.reversed()).forecast(emulator)
        for (a, b) in [(one.bottom, other.bottom), (one.top, other.top)] {
            let (a, b) = (try #require(a), try #require(b))
            #expect(abs(a.noise - b.noise) < 1e-12 && abs(a.cosine - b.cosine) < 1e-12)
        }
        let same = try gradients(batches: [batches[0], batches[0]]).forecast(full)
        #expect(abs((same.bottom?.noise ?? 0) - 1) < 1e-9, "a batch agrees with itself")
    }

    /// What was trainable is so afterwards, nothing else is, and no value has moved.
    @Test func modelsAreLeftAsTheyWere() throws {
        let emulator = try full.subset(blocks: [0, 3, 6, 7])
        emulator.blocks[1].parameters[0].isTrainable = true
        full.blocks[7].parameters[1].isTrainable = true
        let before = [full, emulator].map { $0.parameters.map(\.value.values) }
        _ = try gradients().forecast(emulator)
        #expect([full, emulator].map { $0.parameters.map(\.value.values) } == before)
        #expect(emulator.parameters.filter(\.isTrainable).map(\.name) == [emulator.blocks[1].parameters[0].name])
        #expect(full.parameters.filter(\.isTrainable).map(\.name) == [full.blocks[7].parameters[1].name])
        #expect(emulator.parameters.allSatisfy { $0.gradient == nil })
    }

    @Test func oneEndOnly() throws {
        let forecast = try gradients(bottom: 0).forecast(full)
        #expect(forecast.bottom == nil && forecast.top != nil)
        #expect(try gradients(top: 0).forecast(full).top == nil)
        let poor = GradientForecast(
            bottom: nil,
            top: GradientForecast.End(cosine: 0.49, normRatio: 1, noise: 0.9),
            batches: 2,
            tokens: 9
        )
        #expect(poor.isPoor)
    }

    @Test(.enabled(if: ComputePrecision.supportsBFloat16, "needs AVX512_BF16"))
    func worksInBFloat16() throws {
        let exact = try gradients().forecast(full.subset(blocks: [0, 2, 5, 6, 7]))
        full.compute(in: .bfloat16)
        let gradients = try gradients()
        let same = try gradients.forecast(full)
        #expect(abs((same.bottom?.cosine ?? 0) - 1) < 1e-6 && abs((same.top?.cosine ?? 0) - 1) < 1e-6)
        let rounded = try gradients.forecast(full.subset(blocks: [0, 2, 5, 6, 7]))
        for (a, b) in [(exact.bottom, rounded.bottom), (exact.top, rounded.top)] {
            let (a, b) = (try #require(a), try #require(b))
            #expect(abs(a.cosine - b.cosine) < 0.05 && abs(a.noise - b.noise) < 0.05, "\(a) and \(b)")
        }
    }

    @Test func textIsDealtToTwoBatches() throws {
        let text = PublicText(sequences: DeepModel.text(12), source: "public.txt")
        let made = try #require(try AdapterGradients(full: full, bottom: 1, top: 2, text: text))
        let forecast = try made.forecast(full)
        #expect(forecast.batches == 2 && forecast.tokens == text.tokenCount)
        let one = PublicText(sequences: [[1, 2, 3]], source: "one.txt")
        #expect(try AdapterGradients(full: full, bottom: 1, top: 2, text: one) == nil)
    }

    @Test func refusesWhatCannotBeCompared() throws {
        #expect(throws: EmulatorError.self) { try gradients(batches: [batches[0]]) }
        let mute = batches[0].map { example in
            EncodedExample(ids: example.ids, labels: example.ids.map { _ in -100 }, recordIndex: 0)
        }
        #expect(throws: EmulatorError.self) { try gradients(batches: [batches[0], mute]) }
        #expect(throws: CancellationError.self) { try gradients().forecast(full, isCancelled: { true }) }
        full.tokenEmbedding.value.withUnsafeMutableBufferPointer { $0[40] = .nan }
        #expect {
            try gradients()
        } throws: {
            "\($0)".contains("full model on x is not finite")
        }
    }

    /// Before distilling and after it, in this order, and both in the owner's report.
    @Test func compressionForecastsTwice() throws {
        let text = PublicText(sequences: DeepModel.text(40), source: "public.txt")
        var notices: [GradientForecast] = []
        var stages: [Bool] = []
        func compress(tokens: Int) throws -> OwnerReport {
            (notices, stages) = ([], [])
            return try EmulatorCompression.run(
                full: full,
                path: "m",
                request: CompressionRequest(
                    bottom: 1,
                    top: 1,
                    distillation: DistillationConfiguration(tokens: tokens, learningRate: 1e-3, batch: 4, length: 12)
                ),
                text: text,
                notice: { notice in
                    guard case .forecast(let forecast, let isDistilled) = notice else { return }
                    notices.append(forecast)
                    stages.append(isDistilled)
                    #expect(notice.text.contains("gradient cosine \(isDistilled ? "after" : "before") distilling"))
                    #expect(notice.isWarning == notice.text.contains("below 0.5"))
                }
            ).report
        }
        let report = try compress(tokens: 2_000)
        #expect(stages == [false, true])
        #expect(report.forecast == notices[0] && report.distilledForecast == notices[1] && notices[0] != notices[1])
        let plain = try compress(tokens: 0)
        #expect(stages == [false] && plain.forecast == notices[0] && plain.distilledForecast == nil)
    }
}
