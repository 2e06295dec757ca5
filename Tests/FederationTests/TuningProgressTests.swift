import Federation
import Progress
import Synchronization
import Testing

@Suite("Progress of a run")
struct TuningProgressTests {
    @Test("Fits of all rounds and holders are one bar that ends full, and the owner's figures are told")
    func oneBar() {
        let events = Mutex<[ProgressEvent]>([])
        let progress = TuningProgress(rounds: 3, participantsPerRound: 2) { event in
            events.withLock { $0.append(event) }
        }
        // Resumed after round 1; the holders' records differ in length.
        for round in 2...3 {
            for (holder, tokens) in [("north", 100), ("lake", 300)] {
                let task = LocalTask(holder: holder, round: round, localSteps: 2, learningRate: 1e-3)
                for done in [0, tokens / 2, tokens] {
                    progress.advance(
                        task,
                        ProgressEvent(phase: "training", completed: done, total: tokens, unit: "tokens")
                    )
                }
            }
            progress.finishedRound(ProgressEvent(phase: "rounds", completed: round, total: 3, unit: "rounds"))
            progress.finishedRound(
                ProgressEvent(
                    phase: "rounds",
                    completed: round,
                    total: 3,
                    unit: "rounds",
                    figures: [("plugin.loss", 2)]
                )
            )
        }
        let seen = events.withLock { $0 }
        #expect(Set(seen.map(\.phase)) == ["tuning"])
        #expect(seen.compactMap(\.stage).first == "round 2 of 3, north")
        #expect(seen.map(\.completed) == [0, 50, 100, 100, 250, 400, 400, 400, 450, 500, 500, 650, 800, 800])
        // One fit of 100 known: the three to come are taken to be like it; later the mean is right.
        #expect(seen[0].total == 400)
        #expect(seen[3].total == 800)
        #expect(seen.last?.completed == seen.last?.total)
        let owner = seen.filter { $0.stage?.hasSuffix("owner's check") == true }
        #expect(owner.map(\.stage) == ["round 2 of 3, owner's check", "round 3 of 3, owner's check"])
        #expect(owner.allSatisfy { $0.figures.map(\.value) == [2] })
    }

    @Test("A holder that drops out is not waited for")
    func dropout() {
        let last = Mutex<ProgressEvent?>(nil)
        let progress = TuningProgress(rounds: 2, participantsPerRound: 3) { event in last.withLock { $0 = event } }
        for (round, holders) in [(1, ["a"]), (2, ["a", "b", "c"])] {
            for holder in holders {
                let task = LocalTask(holder: holder, round: round, localSteps: 1, learningRate: 1)
                progress.advance(task, ProgressEvent(phase: "training", completed: 10, total: 10, unit: "tokens"))
            }
        }
        let event = last.withLock { $0 }
        #expect(event?.completed == 40 && event?.total == 40)
    }
}
