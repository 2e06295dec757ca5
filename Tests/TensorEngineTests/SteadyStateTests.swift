import TensorEngine
import Testing

/// One after the other: they set the number of threads.
@Suite(.serialized) struct SteadyStateTests {
    private static let precisions: [ComputePrecision] =
        ComputePrecision.supportsBFloat16 ? [.float32, .bfloat16] : [.float32]

    @Test(arguments: [false, true], precisions)
    func bitsDoNotDependOnTheThreadCount(trainsAll: Bool, precision: ComputePrecision) {
        let before = Threads.count
        defer { Threads.count = before }
        var results: [[UInt32]] = []
        for threads in 1...3 {
            Threads.count = threads
            let step = TrainingStep(trainsAll: trainsAll, precision: precision)
            // More rows than one tile of rows, of attention and of the loss.
            var losses = (0..<2).map { _ in step.run(lengths: [150, 7, 130, 90]) }
            // One long sequence, whose attention is dealt out over tasks that add to the same gradients.
            losses.append(step.run(lengths: [300]))
            results.append(losses.map(\.bitPattern) + step.trainable.flatMap { $0.value.values.map(\.bitPattern) })
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
    }

    @Test(arguments: [false, true], precisions)
    func stepsAllocateNothingAfterTheFirst(trainsAll: Bool, precision: ComputePrecision) {
        let pool = BufferPool()
        BufferPool.$current.withValue(pool) {
            let step = TrainingStep(trainsAll: trainsAll, precision: precision)
            let atStart = pool.usage
            _ = step.run(lengths: [60, 30])
            let first = pool.usage
            #expect(first.freshAllocations > atStart.freshAllocations)
            _ = step.run(lengths: [60, 30])
            // The gradients came into being in the course of the first step; from the second on they are all there.
            let second = pool.usage
            for _ in 0..<3 { _ = step.run(lengths: [60, 30]) }
            #expect(pool.usage.freshAllocations == first.freshAllocations)
            #expect(pool.usage.liveBytes == first.liveBytes)
            #expect(pool.usage.peakBytes == second.peakBytes)
        }
    }

    @Test func everChangingShapesDoNotPileUp() {
        let pool = BufferPool()
        BufferPool.$current.withValue(pool) {
            let step = TrainingStep(trainsAll: false)
            for length in stride(from: 400, through: 10, by: -13) { _ = step.run(lengths: [length]) }
            let usage = pool.usage
            #expect(usage.idleBytes + usage.liveBytes <= usage.peakBytes + usage.peakBytes / 4 + (64 << 20))
        }
    }

    @Test func frozenWeightsCostNoBuffers() {
        let pool = BufferPool()
        BufferPool.$current.withValue(pool) {
            let step = TrainingStep(trainsAll: false)
            let before = pool.usage.liveBytes
            _ = step.run(lengths: [40])
            #expect(step.table.gradient == nil && step.layers[0].query.gradient == nil)
            let gradients = step.trainable.reduce(0) { $0 + $1.value.count * 4 }
            #expect(pool.usage.liveBytes - before == gradients)
        }
    }

    @Test func inferenceKeepsNothing() {
        let pool = BufferPool()
        BufferPool.$current.withValue(pool) {
            let step = TrainingStep(trainsAll: true)
            let before = pool.usage
            let tape = Tape(isRecording: false)
            let loss = step.loss(on: tape, lengths: [300])
            #expect(!loss.requiresGradient)
            #expect(pool.usage.liveBytes - before.liveBytes == 64)
            let recording = Tape()
            let recorded = step.loss(on: recording, lengths: [300])
            #expect(recorded.values == loss.values)
            #expect(pool.usage.liveBytes > before.liveBytes + 300 * TrainingStep.hidden * 4 * 4)
        }
    }

    /// Below the lowest trainable weight nothing requires a gradient, so nothing is kept.
    @Test func nothingIsKeptBelowTheLowestTrainableWeight() {
        let step = TrainingStep(trainsAll: false)
        let tape = Tape()
        let x = tape.embedding([1, 2, 3], table: step.table)
        #expect(!x.requiresGradient)
        let n = tape.rmsNorm(x, weight: step.layers[0].norm, epsilon: 1e-5)
        #expect(!tape.linear(n, weight: step.layers[0].key).requiresGradient)
        #expect(tape.linear(n, weight: step.layers[0].query, lowRank: step.layers[0].branch).requiresGradient)
    }

    @Test func manyThreadsAtOnceGetTheirOwnResults() async {
        let expected = TrainingStep(trainsAll: false).run(lengths: [50])
        await withTaskGroup(of: Float.self) { group in
            for _ in 0..<6 { group.addTask { TrainingStep(trainsAll: false).run(lengths: [50]) } }
            for await loss in group { #expect(loss == expected) }
        }
    }
}
