import Checkpoints
import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// Narrower blocks: what stays, how well it stands in, and that what is written computes the same.
@Suite struct ThinningTests {
    private static let architectures = ["llama", "qwen2", "gpt2", "opt"]

    private func compress(
        _ full: LanguageModel,
        _ thinning: Thinning,
        keep: Double = 1,
        text: PublicText? = RandomText.sequences(60)
    ) throws -> CompressedModel {
        try EmulatorCompression.run(
            full: full,
            path: "m",
            request: CompressionRequest(
                bottom: 1,
                top: 1,
                keep: keep,
                thinning: thinning,
                distillation: DistillationConfiguration(tokens: 0, length: 24)
            ),
            text: text
        )
    }

    private func loss(_ model: LanguageModel) throws -> Double {
        try model.perplexity(RandomText.sequences(6, seed: 77).sequences).meanLoss
    }

    private func distance(_ a: LanguageModel, _ b: LanguageModel) throws -> Double {
        let ids = RandomText.sequences(1, seed: 3).sequences[0]
        let (x, y) = (try a.logits(ids).values, try b.logits(ids).values)
        return zip(x, y).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) } / x.reduce(0.0) { $0 + pow(Double($1), 2) }
    }

    @Test(arguments: architectures) func shapesAreSmallerAndNothingElseChanges(_ name: String) throws {
        let full = try Golden.committedModel(name)
        let made = try compress(full, Thinning(feedForward: 0.5, attention: 0.5))
        let wide = full.configuration.feedForwardSize
        for index in 1..<3 {
            let block = made.emulator.blocks[index]
            #expect(block.feedForwardOutput.inputSize == wide / 2)
            #expect(block.attentionProjections.allSatisfy { $0.isFactored })
            for (thin, whole) in zip(block.linears, full.blocks[index].linears) {
                #expect(
                    thin.outputSize == whole.outputSize
                        || full.blocks[index].feedForwardInputs.contains { $0 === whole }
                )
            }
        }
        for index in [0, 3] {
            #expect(
                made.emulator.blocks[index].parameters.map { $0.value.values }
                    == full.blocks[index].parameters.map { $0.value.values }
            )
        }
        let shares = made.report.middleKept
        #expect(shares > 0.4 && shares < 0.6, "\(shares)")
        #expect(made.metadata.blocks?.count == 2)
    }

    /// Both forms, narrow and padded, come back from disk and say what the emulator in memory says.
    @Test(arguments: architectures) func writtenEmulatorsComputeTheSame(_ name: String) throws {
        let full = try Golden.committedModel(name)
        let made = try compress(full, Thinning(feedForward: 0.5, attention: 0.6), keep: 0.5)
        let folder = try TemporaryFolder()
        try made.emulator.save(to: folder.file("narrow"))
        try made.metadata.write(directory: folder.file("narrow"))
        let narrow = try open(folder.file("narrow"))
        #expect(try distance(narrow, made.emulator) == 0)
        try made.emulator.padded().save(to: folder.file("padded"))
        let padded = try open(folder.file("padded"))
        #expect(padded.configuration.thinnedBlocks.isEmpty)
        #expect(
            padded.parameters.map(\.value.shape) == (try full.subset(blocks: [0, 1, 3])).parameters.map(\.value.shape)
        )
        #expect(try distance(padded, made.emulator) < 1e-9)
    }

    private func open(_ directory: String) throws -> LanguageModel {
        let checkpoint = try Checkpoint.open(directory)
        let described = try ModelConfiguration(json: checkpoint.configuration)
        let configuration = try EmulatorMetadata.ifPresent(directory: directory)?.thinned(described) ?? described
        return try LanguageModel.load(checkpoint.tensors, configuration: configuration, path: directory)
    }

    /// The rule itself, worked out here: activation norm × ‖output column‖, the greatest stay, in their order.
    @Test func channelsOfTheGreatestEffectStay() throws {
        let full = try Golden.committedModel("llama")
        let text = RandomText.sequences(60)
        let made = try compress(full, Thinning(feedForward: 0.25, refits: false), text: text)
        let block = full.blocks[1]
        let wide = full.configuration.feedForwardSize
        var energy = [Double](repeating: 0, count: wide)
        for ids in text.holdingOut(every: 10).rest.sequences {
            let layout = SequenceLayout(lengths: [ids.count])
            let tape = Tape(isRecording: false)
            let x = full.run(blocks: 0..<1, from: full.embed(ids, layout: layout, on: tape), layout: layout, on: tape)
            var taken: [Float] = []
            block.feedForwardOutput.onInput = { taken = $0.values }
            let y = block.forward(x, on: tape, layout: layout)
            block.feedForwardOutput.onInput = nil
            let updates = TokenEnergy.ofDifference(y, x)
            for row in ids.indices {
                // The first token is a sink: later ones attend to it, so it counts for sixteen.
                let weight = (row == 0 ? 16 : 1) / updates[row]
                for j in 0..<wide { energy[j] += weight * pow(Double(taken[row * wide + j]), 2) }
            }
        }
        let down = block.feedForwardOutput.weight.value
        let values = down.values
        let scores = (0..<wide).map { j in
            energy[j] * (0..<down.rows).reduce(0.0) { $0 + pow(Double(values[$1 * wide + j]), 2) }
        }
        let expected = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(wide / 4).sorted()
        let kept = made.emulator.blocks[1].feedForwardOutput.weight.value
        let columns = expected.map { j in (0..<down.rows).map { values[$0 * wide + j] } }
        let found = kept.values
        let isSame = (0..<kept.columns).map { j in (0..<kept.rows).map { found[$0 * kept.columns + j] } } == columns
        #expect(isSame, "other channels than \(expected)")
        // Pruned without a fit, every number is the full model's own.
        #expect(made.report.verbatimShare == made.report.compressionRatio)
    }

    /// Fitting the output layer again brings it closer on the text that it was fitted to.
    @Test func fittedEmulatorsAreCloser() throws {
        let full = try Golden.committedModel("llama")
        let fitted = try compress(full, Thinning(feedForward: 0.5))
        let cut = try compress(full, Thinning(feedForward: 0.5, refits: false))
        let split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        func error(_ emulator: LanguageModel, _ text: PublicText) throws -> Double {
            try Distillation(
                emulator: emulator,
                full: full,
                split: split,
                configuration: DistillationConfiguration(loss: .perLayer, length: 24)
            ).error(on: text)
        }
        let text = RandomText.sequences(60).holdingOut(every: 10).rest
        let (better, worse) = (try error(fitted.emulator, text), try error(cut.emulator, text))
        #expect(better < 0.98 * worse, "\(better) and \(worse)")
        #expect(fitted.report.verbatimShare < cut.report.verbatimShare)
    }

    /// A decomposition that minds what the layer takes is at least as close as the plain one.
    @Test func factorsMindTheText() throws {
        let full = try Golden.committedModel("llama")
        let plain = try compress(full, Thinning(attention: 0.4), text: nil)
        let weighted = try compress(full, Thinning(attention: 0.4))
        #expect(try distance(weighted.emulator, full) < distance(plain.emulator, full))
        #expect(plain.report.shippedParameters == weighted.report.shippedParameters)
    }

    @Test func blocksStayWholeUnlessAsked() throws {
        let full = try Golden.committedModel("llama")
        let made = try compress(full, Thinning())
        #expect(made.metadata.blocks == nil && made.report.middleKept == 1)
        #expect(try loss(made.emulator) == loss(full))
    }

    @Test(arguments: [0.0, -1, 1.5, .nan]) func sharesOutsideTheirRangeAreRefused(_ share: Double) throws {
        let full = try Golden.committedModel("llama")
        for thinning in [Thinning(feedForward: share), Thinning(attention: share)] {
            #expect {
                try compress(full, thinning)
            } throws: {
                "\($0)".contains("is not a share")
            }
        }
    }
}
