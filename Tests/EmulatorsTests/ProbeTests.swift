import Emulators
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing
import Training

/// The probe task on a tiny llama of four blocks.
@Suite struct ProbeTests {
    private let full: LanguageModel
    private let split: OffsiteSplit
    private let task: ProbeTask

    init() throws {
        full = try Golden.committedModel("llama")
        split = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0.5, selection: .uniform)
        task = ProbeTask(training: Self.examples(12, seed: 1), heldOut: Self.examples(6, seed: 2), path: "task.jsonl")
    }

    /// Records with one and the same answer, which is soon learned.
    private static func examples(_ count: Int, seed: UInt64) -> [EncodedExample] {
        RandomText.sequences(count, seed: seed).sequences.enumerated().map { index, ids in
            let half = Array(ids.prefix(8))
            let answer = (20..<28).map(Int32.init)
            let masked = [Int32](repeating: EncodedExample.ignoredLabel, count: half.count)
            return EncodedExample(ids: half + answer, labels: masked + answer, recordIndex: index)
        }
    }

    private func emulator() throws -> LanguageModel {
        try full.subset(blocks: split.sourceLayers, copying: Set(split.thinnedMiddle))
    }

    private var map: LayerMap { ReleasedMap.of(split) }

    private func configuration(
        _ method: TuningMethod = .blocks,
        end: AdapterEnd = .both,
        proximal: Double = 0
    ) -> ProbeConfiguration {
        ProbeConfiguration(
            method: method,
            end: end,
            steps: 8,
            batch: 4,
            learningRate: 1e-2,
            proximal: proximal,
            seeds: 2
        )
    }

    private func probe(_ configuration: ProbeConfiguration, cache: ReportCache = ReportCache()) -> Probe {
        Probe(full: full, task: task, configuration: configuration, cache: cache)
    }

    private func bits(_ model: LanguageModel) -> [[UInt32]] {
        model.parameters.map { $0.value.values.map(\.bitPattern) }
    }

    private static let methods: [TuningMethod] = [.blocks, .lora(rank: 2, alpha: 4, targets: [])]

    /// The emulator is written after it was probed: nothing tuned may be left in it, or in the full model that shares its ends.
    @Test(arguments: methods, AdapterEnd.allCases) func leavesBothModelsAsTheyWere(
        method: TuningMethod,
        end: AdapterEnd
    ) throws {
        let emulator = try emulator()
        let before = (bits(full), bits(emulator))
        let report = try probe(configuration(method, end: end)).run(emulator: emulator, map: map)
        #expect(bits(full) == before.0 && bits(emulator) == before.1)
        for model in [full, emulator] {
            #expect(model.linears.allSatisfy { $0.lowRank == nil })
            #expect(model.parameters.allSatisfy { !$0.isTrainable })
        }
        #expect(report.runs.allSatisfy { $0.fullTuned.loss < report.fullZeroShot.loss }, "tuning learned nothing")
        #expect(report.runs.allSatisfy { $0.emulatorTuned.loss < report.emulatorZeroShot.loss })
        #expect(report.runs.allSatisfy { $0.pluggedIn != report.fullZeroShot }, "nothing was plugged in")
    }

    /// An emulator that keeps everything is the full model: what is tuned on it is what is tuned in the full model.
    @Test(arguments: methods) func onTheFullModelItselfTransferIsWhole(_ method: TuningMethod) throws {
        let whole = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 1, selection: .uniform)
        let emulator = try full.subset(blocks: whole.sourceLayers, copying: Set(whole.thinnedMiddle))
        let report = try probe(configuration(method)).run(emulator: emulator, map: ReleasedMap.of(whole))
        #expect(report.emulatorZeroShot == report.fullZeroShot)
        for run in report.runs {
            #expect(run.pluggedIn == run.fullTuned && run.emulatorTuned == run.fullTuned)
            #expect(run.transfer.value == 1)
        }
        #expect(report.pluginGap.mean == 0 && report.ipGap.mean == 0)
    }

    @Test func derivedFiguresFollowFromTheLosses() throws {
        let report = try probe(configuration()).run(emulator: emulator(), map: map)
        let zero = report.fullZeroShot.loss
        for (index, run) in report.runs.enumerated() {
            let (e, p, f) = (run.emulatorTuned.loss, run.pluggedIn.loss, run.fullTuned.loss)
            #expect(report.pluginGap.values[index] == p - f)
            #expect(report.ipGap.values[index] == e - p)
            #expect(report.capabilityExcess.values[index] == zero - e)
            #expect(abs(run.transfer.value - (zero - p) / (zero - f)) < 1e-9)
            #expect(run.transfer.standardError > 0)
        }
        #expect(report.runs[0].emulatorTuned != report.runs[1].emulatorTuned, "both seeds had the same data order")
        #expect(report.trainingPath == "task.jsonl" && report.trainingRecords == 12)
    }

    @Test func aStrongProximalTermHoldsTheAdapter() throws {
        let free = try probe(configuration()).run(emulator: emulator(), map: map)
        let held = try probe(configuration(proximal: 1e4)).run(emulator: emulator(), map: map)
        func moved(_ report: ProbeReport) -> Double { abs(report.fullZeroShot.loss - report.fullTuned.mean) }
        #expect(moved(held) < 0.5 * moved(free))
    }

    /// A stopped probe goes on where it was, and gives the same figures as one that was never stopped.
    @Test func aStoppedProbeGoesOn() throws {
        let folder = try TemporaryFolder()
        let whole = try probe(configuration()).run(emulator: emulator(), map: map)
        var steps = 0
        #expect(throws: CancellationError.self) {
            try probe(configuration(), cache: ReportCache(directory: folder.file("cache"))).run(
                emulator: emulator(),
                map: map,
                isCancelled: {
                    steps += 1
                    return steps > 14
                }
            )
        }
        let again = probe(configuration(), cache: ReportCache(directory: folder.file("cache")))
        let rest = try again.remainingOperations(emulator: emulator(), map: map)
        let all = try probe(configuration()).remainingOperations(emulator: emulator(), map: map)
        #expect(rest > 0 && rest < all, "no piece was kept")
        var resumed = try again.run(emulator: emulator(), map: map)
        resumed.seconds = whole.seconds
        #expect(resumed == whole)
        #expect(try again.remainingOperations(emulator: emulator(), map: map) == 0)
    }

    /// A grid measures the full model once: another emulator takes its figures over, and another task does not.
    @Test func theFullModelIsMeasuredOnce() throws {
        let cache = ReportCache()
        let first = try probe(configuration(), cache: cache).run(emulator: emulator(), map: map)
        let none = try OffsiteSplit(fullLayerCount: 4, bottom: 1, top: 1, keep: 0, selection: .uniform)
        let ends = try full.subset(blocks: none.sourceLayers, copying: [])
        let later = probe(configuration(), cache: cache)
        let alone = probe(configuration())
        let (saved, whole) = (
            try later.remainingOperations(emulator: ends, map: ReleasedMap.of(none)),
            try alone.remainingOperations(emulator: ends, map: ReleasedMap.of(none))
        )
        #expect(saved < whole)
        let second = try later.run(emulator: ends, map: ReleasedMap.of(none))
        #expect(second.fullTuned == first.fullTuned && second.emulatorTuned != first.emulatorTuned)
        let other = Probe(
            full: full,
            task: ProbeTask(training: task.training, heldOut: Self.examples(6, seed: 3)),
            configuration: configuration(),
            cache: cache
        )
        let remaining = try other.remainingOperations(emulator: ends, map: ReleasedMap.of(none))
        #expect(abs(remaining / whole - 1) < 0.01)
    }

    @Test func anEndWithoutBlocksIsRefused() throws {
        let top = try OffsiteSplit(fullLayerCount: 4, bottom: 0, top: 1, keep: 0.5, selection: .uniform)
        let emulator = try full.subset(blocks: top.sourceLayers, copying: Set(top.thinnedMiddle))
        #expect(throws: EmulatorError.self) {
            try probe(configuration(end: .bottom)).run(emulator: emulator, map: ReleasedMap.of(top))
        }
    }
}

enum ReleasedMap {
    static func of(_ split: OffsiteSplit) -> LayerMap {
        LayerMap(
            bottom: split.bottom,
            top: split.top,
            emulatorLayerCount: split.emulatorLayerCount,
            fullLayerCount: split.fullLayerCount
        )
    }
}
