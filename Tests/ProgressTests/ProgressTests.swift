import Progress
import Synchronization
import Testing

@Suite struct ProgressTests {
    @Test func figuresKeepTheirOrder() {
        let event = ProgressEvent(
            phase: "training",
            completed: 2,
            total: 4,
            unit: "steps",
            figures: [("loss", 1.5), ("accuracy", 0.5), ("age", 3)]
        )
        #expect(event.figures.map(\.name) == ["loss", "accuracy", "age"])
        #expect(event.figures.map(\.value) == [1.5, 0.5, 3])
    }

    @Test func aPhaseOfUnknownLengthHasNoTotalAndNoFigures() {
        let event = ProgressEvent(phase: "reading", completed: 0, total: nil, unit: "records")
        #expect(event.total == nil && event.figures.isEmpty)
    }

    /// Handlers are called from whatever thread works: every event arrives once.
    @Test func handlersTakeEventsFromManyTasks() async {
        let seen = Mutex<[Int]>([])
        let handler: ProgressHandler = { event in seen.withLock { $0.append(event.completed) } }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                group.addTask { handler(ProgressEvent(phase: "p", completed: index, total: 50, unit: "steps")) }
            }
        }
        #expect(seen.withLock { $0.sorted() } == Array(0..<50))
    }
}
