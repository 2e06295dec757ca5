import Progress
import Testing

@Suite("Progress as text")
struct ProgressMeterTests {
    private func event(
        _ completed: Int,
        of total: Int? = 1000,
        phase: String = "distilling",
        stage: String? = nil,
        unit: String = "tokens",
        loss: Double? = nil
    ) -> ProgressEvent {
        ProgressEvent(
            phase: phase,
            stage: stage,
            completed: completed,
            total: total,
            unit: unit,
            figures: loss.map { [("loss", $0)] } ?? []
        )
    }

    @Test("A bar shows the share, the rate, the time left and the figures")
    func bar() {
        var meter = ProgressMeter()
        #expect(meter.receive(event(0), at: 10).isEmpty)
        #expect(meter.bar(at: 10, width: 100) == "distilling ▕\(String(repeating: "░", count: 24))▏ 0 %")
        #expect(meter.receive(event(250, loss: 1.25), at: 12).isEmpty)
        let filled = String(repeating: "█", count: 6) + String(repeating: "░", count: 18)
        #expect(
            meter.bar(at: 12, width: 100) == "distilling ▕\(filled)▏ 25 % · 125 tokens/s · 6 s left · loss 1.25"
        )
        _ = meter.receive(event(1000, loss: 1), at: 20)
        #expect(meter.bar(at: 20, width: 100).hasSuffix("100 % · 100 tokens/s · 10 s · loss 1"))
    }

    @Test("A bar never runs over the terminal's edge", arguments: 0..<120)
    func width(_ width: Int) {
        var meter = ProgressMeter()
        _ = meter.receive(event(0, stage: "round 1 of 5, north"), at: 0)
        _ = meter.receive(event(300, stage: "round 1 of 5, north", loss: 2.5), at: 3)
        let line = meter.bar(at: 3, width: width)
        #expect(line.count <= width)
        if width >= 100 { #expect(line.contains("loss 2.5") && line.contains("█")) }
        if width >= 79 { #expect(line.contains("30 %") && line.contains("7 s left")) }
    }

    @Test("A log has one line a phase, with the rate over all of it")
    func lines() {
        var meter = ProgressMeter()
        _ = meter.receive(event(0), at: 0)
        _ = meter.receive(event(1000, loss: 0.2211), at: 4)
        let next = event(0, of: 711_204_571, phase: "sealing", unit: "bytes")
        #expect(meter.begins(next))
        #expect(meter.receive(next, at: 5) == ["distilling: 1000 tokens in 5 s (200 tokens/s) · loss 0.2211"])
        _ = meter.receive(event(711_204_571, of: 711_204_571, phase: "sealing", unit: "bytes"), at: 7)
        #expect(meter.finish(at: 7) == ["sealing: 711.2 MB in 2 s (355.6 MB/s)"])
        #expect(meter.finish(at: 8).isEmpty)
        #expect(meter.bar(at: 8, width: 80).isEmpty)
    }

    @Test("A phase of several stages has one bar, and in a log a line a stage and one for all")
    func stages() {
        var meter = ProgressMeter()
        _ = meter.receive(event(0, phase: "tuning", stage: "north"), at: 0)
        _ = meter.receive(event(400, phase: "tuning", stage: "north", loss: 3), at: 2)
        #expect(!meter.begins(event(400, phase: "tuning", stage: "lake")))
        #expect(
            meter.receive(event(400, phase: "tuning", stage: "lake"), at: 4)
                == ["tuning, north: 400 tokens in 4 s (100 tokens/s) · loss 3"]
        )
        _ = meter.receive(event(1000, phase: "tuning", stage: "lake", loss: 2), at: 6)
        #expect(
            meter.receive(event(1000, phase: "tuning", stage: "owner's check", loss: 2.5), at: 8)
                == ["tuning, lake: 600 tokens in 4 s (150 tokens/s) · loss 2"]
        )
        #expect(
            meter.finish(at: 10) == ["tuning, owner's check · loss 2.5", "tuning: 1000 tokens in 10 s (100 tokens/s)"]
        )
    }

    @Test("A phase of unknown length counts")
    func unknownLength() {
        var meter = ProgressMeter()
        _ = meter.receive(event(0, of: nil, unit: "records"), at: 0)
        _ = meter.receive(event(30, of: nil, unit: "records"), at: 60)
        #expect(meter.bar(at: 60, width: 80) == "distilling 30 records · 0.5 records/s · 1 min 00 s")
    }

    @Test("Durations", arguments: [(6.6, "7 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")])
    func durations(_ seconds: Double, _ text: String) {
        #expect(ProgressMeter.duration(seconds) == text)
    }
}
