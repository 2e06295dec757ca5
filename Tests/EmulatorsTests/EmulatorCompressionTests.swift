import Checkpoints
import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// From a full model to an emulator: what is shipped, what the owner keeps, and what neither may say.
@Suite struct EmulatorCompressionTests {
    private let full: LanguageModel

    init() throws { full = try Golden.committedModel("llama") }

    private func request(keep: Double = 0.5, tokens: Int = 0) -> CompressionRequest {
        CompressionRequest(
            bottom: 1,
            top: 1,
            keep: keep,
            distillation: DistillationConfiguration(tokens: tokens, learningRate: 1e-3, batch: 4, length: 24),
            seed: 3
        )
    }

    private func count(_ blocks: Range<Int>, _ model: LanguageModel) -> Int {
        model.blocks[blocks].flatMap(\.parameters).reduce(0) { $0 + $1.value.count }
    }

    @Test func withoutTextTheBlocksTravelVerbatim() throws {
        let made = try EmulatorCompression.run(full: full, path: "m.gguf", request: request(), text: nil)
        let report = made.report
        #expect(made.emulator.blocks.count == 3)
        #expect(report.sourceLayers == [2] || report.sourceLayers == [1])
        #expect(report.fullParameters == full.parameterCount)
        #expect(report.shippedParameters == full.parameterCount - count(0..<1, full))
        #expect(report.adapterParameters == 2 * count(0..<1, full))
        #expect(report.middleKept == 0.5)
        #expect(report.compressionRatio == Double(report.shippedParameters) / Double(report.fullParameters))
        #expect(report.verbatimShare == report.compressionRatio)
        #expect(report.fullLoss == nil && report.emulatorLoss == nil)
        #expect(report.distillationReport.losses.isEmpty)
        for (index, source) in ([0] + report.sourceLayers + [3]).enumerated() {
            #expect(
                made.emulator.blocks[index].parameters.map { $0.value.values }
                    == full.blocks[source].parameters.map { $0.value.values }
            )
        }
    }

    @Test func distilledBlocksNoLongerCountAsVerbatim() throws {
        let text = RandomText.sequences(40)
        let made = try EmulatorCompression.run(full: full, path: "m", request: request(tokens: 2_000), text: text)
        let report = made.report
        let shipped = Double(report.shippedParameters - count(1..<2, made.emulator)) / Double(report.fullParameters)
        #expect(abs(report.verbatimShare - shipped) < 1e-12)
        let fullLoss = try #require(report.fullLoss)
        // The other half of the held-out text decides when distillation stops.
        let probe = text.holdingOut(every: 10).heldOut.holdingOut(every: 2).heldOut.sequences
        // The report measures sequence by sequence, which rounds a little differently from one batch.
        #expect(abs(fullLoss - (try full.perplexity(probe).meanLoss)) < 1e-5)
        #expect(abs(try #require(report.emulatorLoss) - (try made.emulator.perplexity(probe).meanLoss)) < 1e-5)
        #expect(report.distillationReport.tokens > 1_500)
    }

    @Test func keepingAllGivesTheFullModel() throws {
        let made = try EmulatorCompression.run(full: full, path: "m", request: request(keep: 1), text: nil)
        #expect(made.emulator.parameters.map { $0.value.values } == full.parameters.map { $0.value.values })
        #expect(made.report.compressionRatio == 1 && made.report.verbatimShare == 1)
        let none = try EmulatorCompression.run(full: full, path: "m", request: request(keep: 0), text: nil)
        #expect(none.emulator.blocks.count == 2 && none.metadata.kept == 0)
    }

    /// `emulator.json` goes to every data holder: which blocks were kept is the owner's secret.
    @Test func descriptionHoldsFiveKeysAndNoSourceLayers() throws {
        let first = try EmulatorCompression.run(full: full, path: "m", request: request(), text: nil)
        let folder = try TemporaryFolder()
        try first.metadata.write(directory: folder.path)
        let json = try JSONValue.read(folder.file("emulator.json"))
        #expect(
            Set(json.object?.map(\.key) ?? []) == ["bottom", "top", "kept", "full_layers", "release_id"]
        )
        #expect(try EmulatorMetadata.read(directory: folder.path) == first.metadata)
        let second = try EmulatorCompression.run(full: full, path: "m", request: request(), text: nil)
        #expect(first.metadata.releaseID.count == 32 && first.metadata.releaseID != second.metadata.releaseID)
        #expect(first.report.releaseID == first.metadata.releaseID)
        try first.report.write(directory: folder.path)
        #expect(try OwnerReport.read(directory: folder.path) == first.report)
    }

    @Test func savedEmulatorIsAModelOfItsOwn() throws {
        let made = try EmulatorCompression.run(full: full, path: "m", request: request(), text: nil)
        let folder = try TemporaryFolder()
        try made.emulator.save(to: folder.file("emulator"))
        let opened = try LanguageModel.load(Checkpoint.open(folder.file("emulator")))
        #expect(opened.parameters.map(\.name) == made.emulator.parameters.map(\.name))
        let ids: [Int32] = [5, 9, 17, 30]
        let (mine, theirs) = try (opened.score([ids])[0], made.emulator.score([ids])[0])
        #expect(mine.map(\.logProbability) == theirs.map(\.logProbability))
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"bottom":1,"top":1,"kept":9,"full_layers":4,"release_id":"a"}"#,
        #"{"bottom":0,"top":0,"kept":1,"full_layers":4,"release_id":"a"}"#,
        #"{"bottom":-1,"top":2,"kept":1,"full_layers":4,"release_id":"a"}"#,
        #"{"bottom":1,"top":1,"kept":1,"full_layers":4,"release_id":""}"#,
        #"{"bottom":9223372036854775807,"top":1,"kept":1,"full_layers":4,"release_id":"a"}"#,
        #"{"bottom":"1","top":1,"kept":1,"full_layers":4,"release_id":"a"}"#,
    ]) func damagedDescriptionsAreRefused(_ text: String) throws {
        let folder = try TemporaryFolder()
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("emulator.json")))
        #expect {
            try EmulatorMetadata.read(directory: folder.path)
        } throws: {
            "\($0)".contains(folder.file("emulator.json"))
        }
    }

    @Test func damagedOwnerReportIsRefused() throws {
        let folder = try TemporaryFolder()
        #expect(throws: EmulatorError.self) { try OwnerReport.read(directory: folder.path) }
    }
}
