import TensorEngine

/// A small two-layer model with grouped queries, low-rank branches and a tied head: one step uses most operations.
final class TrainingStep {
    let table: Parameter
    let norm: Parameter
    let layers: [Layer]
    var trainable: [Parameter] = []
    private var moments: [(Tensor, Tensor)] = []
    private var steps = 0

    struct Layer {
        let norm: Parameter
        let query: Parameter
        let key: Parameter
        let value: Parameter
        let output: Parameter
        let gate: Parameter
        let up: Parameter
        let down: Parameter
        let branch: LowRankBranch
    }

    static let dim = 96
    static let keyDim = 32
    static let hidden = 256
    static let vocabulary = 5000

    let precision: ComputePrecision

    /// With `trainsAll` every weight learns, else the low-rank branches only.
    init(trainsAll: Bool, precision: ComputePrecision = .float32) {
        self.precision = precision
        var generator = SeededGenerator(seed: 3)
        func weight(_ shape: [Int], _ isTrainable: Bool) -> Parameter {
            let values = randomValues(shape.reduce(1, *), &generator).map { $0 * 0.1 }
            let parameter = Parameter(
                name: "w",
                value: Tensor(shape: shape, values: values),
                isTrainable: isTrainable
            )
            parameter.precision = precision
            return parameter
        }
        let (dim, keyDim, hidden) = (Self.dim, Self.keyDim, Self.hidden)
        table = weight([Self.vocabulary, dim], trainsAll)
        norm = weight([dim], trainsAll)
        layers = (0..<2).map { _ in
            Layer(
                norm: weight([dim], trainsAll),
                query: weight([dim, dim], trainsAll),
                key: weight([keyDim, dim], trainsAll),
                value: weight([keyDim, dim], trainsAll),
                output: weight([dim, dim], trainsAll),
                gate: weight([hidden, dim], trainsAll),
                up: weight([hidden, dim], trainsAll),
                down: weight([dim, hidden], trainsAll),
                branch: LowRankBranch(a: weight([4, dim], true), b: weight([dim, 4], true), scale: 2)
            )
        }
        var all = [table, norm]
        for l in layers {
            all += [l.norm, l.query, l.key, l.value, l.output, l.gate, l.up, l.down, l.branch.a, l.branch.b]
        }
        trainable = all.filter(\.isTrainable)
        moments = trainable.map { (Tensor.zeros($0.value.shape), Tensor.zeros($0.value.shape)) }
    }

    func loss(on tape: Tape, lengths: [Int]) -> Tensor {
        let layout = SequenceLayout(lengths: lengths)
        let ids = (0..<Int32(layout.rows)).map { $0 * 37 % Int32(Self.vocabulary) }
        var x = tape.embedding(ids, table: table)
        for l in layers {
            let n = tape.rmsNorm(x, weight: l.norm, epsilon: 1e-5, precision: precision)
            let query = tape.rotary(
                tape.linear(n, weight: l.query, lowRank: l.branch),
                heads: 6,
                positions: layout.positions,
                theta: 10000
            )
            let key = tape.rotary(
                tape.linear(n, weight: l.key),
                heads: 2,
                positions: layout.positions,
                theta: 10000
            )
            let attention = tape.causalAttention(
                query: query,
                key: key,
                value: tape.linear(n, weight: l.value),
                layout: layout,
                heads: 6,
                keyValueHeads: 2,
                precision: precision
            )
            x = tape.add(x, tape.linear(attention, weight: l.output))
            let m = tape.rmsNorm(x, weight: l.norm, epsilon: 1e-5, precision: precision)
            let inner = tape.swiglu(
                gate: tape.linear(m, weight: l.gate),
                up: tape.linear(m, weight: l.up),
                precision: precision
            )
            x = tape.add(x, tape.linear(inner, weight: l.down))
        }
        let labels = ids.indices.map { $0 % 3 == 0 ? -100 : ids[$0] }
        return tape.linearCrossEntropy(tape.rmsNorm(x, weight: norm, epsilon: 1e-5), head: table, labels: labels)
    }

    /// One step of AdamW; returns the loss.
    func run(lengths: [Int]) -> Float {
        steps += 1
        let tape = Tape()
        let loss = loss(on: tape, lengths: lengths)
        tape.backward(from: loss)
        for (parameter, moment) in zip(trainable, moments) {
            guard let gradient = parameter.gradient else { continue }
            Elementwise.adamW(
                parameter: parameter.value,
                gradient: gradient,
                firstMoment: moment.0,
                secondMoment: moment.1,
                step: steps,
                learningRate: 1e-3,
                weightDecay: 0.01
            )
            parameter.zeroGradient()
        }
        return loss.values[0]
    }
}
