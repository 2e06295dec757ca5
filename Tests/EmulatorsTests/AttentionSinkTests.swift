import Emulators
import LanguageModels
import Testing

/// The block that makes the attention sink: found, kept where the figures cannot see it, never dropped in silence.
@Suite struct AttentionSinkTests {
    private static let text = PublicText(sequences: DeepModel.text(), source: "public.txt")

    @Test func theLargestRiseIsTheSink() {
        #expect(AttentionSink(firstTokenShare: [0.05, 0.06, 0.2, 0.9, 0.99, 0.9]).block == 2)
        #expect(AttentionSink(firstTokenShare: [0.05, 0.1, 0.14, 0.2]).block == nil, "no rise is large enough")
        #expect(AttentionSink(firstTokenShare: [0.99, 0.5, 0.4]).block == nil, "the bottom makes it")
        #expect(AttentionSink(firstTokenShare: [0, 0.5, 0.5, 1]).block == 0, "the first of several")
        #expect(AttentionSink(firstTokenShare: [0.3]).block == nil && AttentionSink(firstTokenShare: []).block == nil)
    }

    @Test(arguments: [1, 3, 6]) func theBlockThatMakesItIsFound(_ block: Int) throws {
        let model = try DeepModel.withSink(at: block)
        let choice = try LayerSelection.uniform.choose(
            from: model,
            middle: 1..<7,
            keeping: 3,
            seed: 0,
            text: Self.text
        )
        let sink = try #require(choice.sink)
        #expect(sink.block == block - 1, "\(sink.firstTokenShare)")
        #expect(sink.firstTokenShare.count == 7)
        #expect(sink.firstTokenShare[block] - sink.firstTokenShare[block - 1] > 0.15, "\(sink.firstTokenShare)")
        #expect((choice.droppedSink == nil) == choice.kept.contains(block - 1))
    }

    @Test(arguments: [LayerSelection.blockInfluence, .cka, .contiguous], [0, 1, 2, 3, 4, 5])
    func figuresWithoutSinksKeepIt(_ selection: LayerSelection, _ block: Int) throws {
        let model = try DeepModel.withSink(at: block + 1)
        // A run of 5 of 6 blocks avoids the sink at either end only.
        for count in selection == .contiguous ? [3] : [1, 3] {
            let choice = try selection.choose(
                from: model,
                middle: 1..<7,
                keeping: count,
                seed: 0,
                text: Self.text
            )
            #expect(choice.sink?.block == block && choice.droppedSink == nil, "keeping \(count): \(choice.kept)")
        }
    }

    @Test func droppingItIsSaid() throws {
        let model = try DeepModel.withSink(at: 2)
        var notices: [CompressionNotice] = []
        func compress(_ selection: LayerSelection, text: PublicText? = Self.text) throws -> OwnerReport {
            notices = []
            return try EmulatorCompression.run(
                full: model,
                path: "m",
                request: CompressionRequest(
                    bottom: 1,
                    top: 1,
                    selection: selection,
                    distillation: DistillationConfiguration(tokens: 0)
                ),
                text: text,
                notice: { notices.append($0) }
            ).report
        }
        let report = try compress(.uniform)
        #expect(report.sourceLayers == [1, 3, 6] && report.layerChoice?.droppedSink == 1)
        let warning = try #require(notices.first)
        #expect(warning.isWarning && warning.text.hasPrefix("--selection uniform drops block 1 of the middle"))
        #expect(warning.text.hasSuffix(".") && !warning.text.contains("\n"))
        #expect(notices.count { if case .droppedSink = $0 { true } else { false } } == 1)
        _ = try compress(.blockInfluence)
        #expect(!notices.contains { if case .droppedSink = $0 { true } else { false } })
    }
}
