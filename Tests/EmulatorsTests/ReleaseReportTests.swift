import Emulators
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing
import Training

/// The owner's report: what it says, what it warns of, what a policy refuses, and the page that follows from it.
@Suite struct ReleaseReportTests {
    private let full: LanguageModel
    private let text = RandomText.sequences(40, seed: 6)

    init() throws { full = try Golden.committedModel("llama") }

    private func compressed(keep: Double = 0.5) throws -> CompressedModel {
        let request = CompressionRequest(
            bottom: 1,
            top: 1,
            keep: keep,
            distillation: DistillationConfiguration(tokens: 0)
        )
        return try EmulatorCompression.run(full: full, path: "<b>m</b>.gguf", request: request, text: text)
    }

    private static func examples(_ count: Int, seed: UInt64) -> [EncodedExample] {
        RandomText.sequences(count, seed: seed).sequences.enumerated().map { index, ids in
            EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
    }

    /// A full report on tiny models.
    private func report(keep: Double = 0.5) throws -> ReleaseReport {
        let made = try compressed(keep: keep)
        var report = ReleaseReport(depth: .full, release: made.report)
        let parts = text.holdingOut(every: 10)
        report.wireBytes = made.emulator.parameterCount * 4
        report.middle = try MiddleFidelity.measure(made.released, full: full, sequences: parts.heldOut.sequences)
        report.probe = try Probe(
            full: full,
            task: ProbeTask(training: Self.examples(8, seed: 1), heldOut: Self.examples(4, seed: 2)),
            configuration: ProbeConfiguration(steps: 3, learningRate: 1e-3, seeds: 2),
            cache: ReportCache()
        ).run(emulator: made.emulator, map: made.released.layerMap)
        report.recovery = try Recovery(
            full: full,
            text: parts.rest,
            heldOut: parts.heldOut,
            configuration: RecoveryConfiguration(referenceTokens: 1_000, shares: [0.05, 0.5]),
            cache: ReportCache()
        ).run(made.released)
        return report
    }

    @Test func theWholeMiddleImitatesItself() throws {
        let made = try compressed(keep: 1)
        let same = try MiddleFidelity.measure(made.released, full: full, sequences: text.sequences)
        #expect(same.error == 0 && abs(same.alignment - 1) < 1e-9)
        let half = try compressed()
        let worse = try MiddleFidelity.measure(half.released, full: full, sequences: text.sequences)
        #expect(worse.error > 0 && worse.alignment < 1 && worse.tokens == same.tokens)
        #expect(same.tokens <= 40 * 23, "the first token of a sequence is a sink")
    }

    /// Mean over tokens of ‖T − S‖² / ‖T‖² with an empty middle: S is the middle's input.
    @Test func middleErrorFollowsTheFormula() throws {
        let none = try compressed(keep: 0)
        let ids = text.sequences[0]
        let found = try MiddleFidelity.measure(none.released, full: full, sequences: [ids])
        let layout = SequenceLayout(lengths: [ids.count])
        let tape = Tape(isRecording: false)
        let input = full.run(blocks: 0..<1, from: full.embed(ids, layout: layout, on: tape), layout: layout, on: tape)
        let output = full.run(blocks: 1..<3, from: input, layout: layout, on: tape)
        let kept = SinkTokens.mask(output, layout: layout)
        var (sum, count) = (0.0, 0)
        for row in 0..<ids.count where kept[row] {
            let t = output.copyRows(row..<(row + 1)).values.map(Double.init)
            let s = input.copyRows(row..<(row + 1)).values.map(Double.init)
            sum += zip(t, s).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / t.reduce(0) { $0 + $1 * $1 }
            count += 1
        }
        #expect(found.tokens == count && abs(found.error - sum / Double(count)) < 1e-6)
    }

    @Test func reportGoesThroughItsFile() throws {
        let report = try report()
        let folder = try TemporaryFolder()
        try report.write(directory: folder.path)
        #expect(try ReleaseReport.read(directory: folder.path) == report)
        let page = try String(contentsOfFile: folder.file("report.html"), encoding: .utf8)
        #expect(try ReleasePage.render(reportJSON: report.encoded()) == page)
        #expect(throws: EmulatorError.self) { try ReleasePage.render(reportJSON: Data("{}".utf8)) }
        try Data("{".utf8).write(to: URL(fileURLWithPath: folder.file("report.json")))
        #expect(throws: EmulatorError.self) { try ReleaseReport.read(directory: folder.path) }
    }

    @Test func pageHoldsTheFiguresAndNothingFromElsewhere() throws {
        let report = try report()
        let page = try ReleasePage.render(reportJSON: report.encoded())
        #expect(page.contains("&lt;b&gt;m&lt;/b&gt;.gguf") && !page.contains("<b>m</b>"))
        for word in ["What ships", "What tuning on it brings", "What an attacker gets back", "control: random middle"] {
            #expect(page.contains(word), "\(word) is missing")
        }
        #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"))
        var quick = report
        (quick.depth, quick.probe, quick.recovery) = (.quick, nil, nil)
        let short = try ReleasePage.render(reportJSON: quick.encoded())
        #expect(!short.contains("What tuning on it brings") && short.contains("Quick report"))
    }

    /// A run that diverged still has a report that can be read and drawn.
    @Test func figuresThatAreNoNumbersAreWrittenAndDrawn() throws {
        var report = try report()
        report.probe?.transfer.mean = .nan
        report.recovery?.fullLoss = .infinity
        let page = try ReleasePage.render(reportJSON: report.encoded())
        #expect(page.contains("</html>") && !page.contains("nan"))
        #expect(report.figures["transfer"] == nil)
    }

    @Test func warnsOfWhatTheProbeFound() throws {
        var report = try report()
        report.release.layerChoice = nil
        report.release.forecast = nil
        report.release.middleVerbatimShare = 0.1
        report.recovery = nil
        func set(emulator: Double, plugged: Double, zero: Double) {
            report.probe?.emulatorTuned = SeedSpread([emulator])
            report.probe?.pluggedIn = SeedSpread([plugged])
            report.probe?.fullZeroShot.loss = zero
            report.probe?.capabilityExcess = SeedSpread([zero - emulator])
        }
        set(emulator: 2, plugged: 1, zero: 1.5)
        #expect(report.warnings.isEmpty)
        set(emulator: 2, plugged: 1.6, zero: 1.5)
        #expect(report.warnings.count == 1 && report.warnings[0].contains("does not transfer"))
        set(emulator: 1.4, plugged: 1.3, zero: 1.5)
        #expect(report.warnings.count == 1 && report.warnings[0].contains("replaces it"))
        report.release.middleVerbatimShare = 0.5
        report.release.distillationReport.losses = [1, 1]
        #expect(report.warnings.count == 3 && report.warnings[1].contains("held-out text no better"))
        #expect(report.warnings[2].contains("50 % of the middle's own numbers"))
        report.release.middleVerbatimShare = 0.1
        report.release.distillationReport.keptStep = 1
        set(emulator: 1, plugged: 1.2, zero: 1.5)
        #expect(report.warnings.count == 2 && report.warnings[0].contains("nothing to come back for"))
        report.release.forecast = GradientForecast(
            bottom: GradientForecast.End(cosine: 0.9, normRatio: 1, noise: 1),
            top: GradientForecast.End(cosine: 0.3, normRatio: 1, noise: 1),
            batches: 1,
            tokens: 1
        )
        #expect(report.gradientCosine == 0.3 && report.warnings.last?.contains("0.30") == true)
    }

    @Test func spreadIsTheSampleDeviation() {
        let spread = SeedSpread([1, 2, 6])
        #expect(spread.mean == 3 && abs(spread.deviation - 7.0.squareRoot()) < 1e-15)
        #expect(SeedSpread([4]).deviation == 0)
    }

    // MARK: - Policy

    @Test func policyLinesAreHeldToTheirFigures() throws {
        var report = try report()
        report.release.verbatimShare = 0.6
        report.probe?.transfer = SeedSpread([0.8])
        report.probe?.capabilityExcess = SeedSpread([0.1])
        report.exposure = UnionExposure(releases: 2, layers: 3, middleLayers: 4, verbatimShare: 0.7)
        var policy = ReleasePolicy()
        policy.maximumVerbatimShare = 0.6
        policy.minimumTransfer = 0.8
        policy.maximumCapabilityExcess = 0.1
        policy.maximumUnionExposure = 0.7
        #expect(policy.violations(in: report).isEmpty, "a limit itself is allowed")
        policy.maximumVerbatimShare = 0.59
        policy.minimumTransfer = 0.81
        policy.maximumCapabilityExcess = 0.09
        policy.maximumUnionExposure = 0.69
        let broken = policy.violations(in: report)
        #expect(
            Set(broken.map(\.line)) == [
                "maximum_verbatim_share", "minimum_transfer", "maximum_capability_excess", "maximum_union_exposure",
            ]
        )
        #expect(broken.first { $0.line == "minimum_transfer" }?.text == "minimum_transfer: 0.81, found 0.8")
        report.violations = broken
        #expect(report.warnings.prefix(4).allSatisfy { $0.contains("policy") })
    }

    /// A line that nobody measured protects nobody: it is broken, and says what is needed.
    @Test func whatWasNotMeasuredBreaksItsLine() throws {
        let bare = ReleaseReport(depth: .quick, release: try compressed().report)
        var policy = ReleasePolicy()
        policy.minimumTransfer = 0.5
        policy.maximumRecoveryAdvantage = 0.1
        policy.maximumUnionExposure = 0.9
        let broken = policy.violations(in: bare)
        #expect(broken.count == 3 && broken.allSatisfy { $0.found == nil })
        #expect(
            broken.first { $0.line == "minimum_transfer" }?.text.contains("--report full with --probe-data") == true
        )
        let early = policy.unmeasured(at: .quick, hasText: true, hasProbe: true)
        #expect(early.map(\.line) == ["minimum_transfer", "maximum_recovery_advantage"])
        #expect(policy.unmeasured(at: .full, hasText: true, hasProbe: true).isEmpty)
        #expect(policy.unmeasured(at: .full, hasText: true, hasProbe: false).map(\.line) == ["minimum_transfer"])
    }
}
