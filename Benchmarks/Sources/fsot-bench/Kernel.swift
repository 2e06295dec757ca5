import TensorEngine

/// One operation at one size, run over and over.
struct Kernel {
    /// What the amount of work counts, and which limit it is held against.
    enum Work {
        /// Floating-point operations of matrix products.
        case operations(Double)
        /// Bytes read and written, if every operand moved once.
        case bytes(Double)
    }

    let name: String
    let shape: String
    let work: Work
    let run: () -> Void
}

/// The operations of one training step of SmolLM2-135M at 1024 tokens.
struct KernelList {
    let precision: ComputePrecision

    private let rows = 1024
    private let hidden = 576
    private let keys = 192
    private let wide = 1536
    private let vocabulary = 49152
    private let heads = 9
    private let keyValueHeads = 3
    private let headSize = 64

    func all() -> [Kernel] {
        linears() + attentions() + [crossEntropy()] + elementwise() + [adamW(count: 460_800), adamW(count: 14_160_384)]
    }

    private func random(_ shape: [Int], requiresGradient: Bool = false) -> Tensor {
        var generator = SeededGenerator(seed: UInt64(shape.reduce(1, *)))
        let values = (0..<shape.reduce(1, *)).map { _ in Float(generator.uniform() - 0.5) * 0.1 }
        return Tensor(shape: shape, values: values, requiresGradient: requiresGradient)
    }

    private func parameter(_ shape: [Int], isTrainable: Bool = false) -> Parameter {
        let parameter = Parameter(name: "weight", value: random(shape), isTrainable: isTrainable)
        parameter.precision = precision
        return parameter
    }

    // MARK: - Matrix products

    private func linears() -> [Kernel] {
        let shapes = [(hidden, hidden), (keys, hidden), (wide, hidden), (hidden, wide), (vocabulary, hidden)]
        return shapes.flatMap { output, input -> [Kernel] in
            let x = random([rows, input])
            let leaf = random([rows, input], requiresGradient: true)
            let frozen = parameter([output, input])
            let seed = random([rows, output])
            let size = 2 * Double(rows) * Double(output) * Double(input)
            func kernel(_ name: String, _ products: Double, _ body: @escaping () -> Void) -> Kernel {
                Kernel(name: name, shape: "\(rows)×\(input)→\(output)", work: .operations(products * size), run: body)
            }
            var kernels = [
                kernel("linear", 1) { _ = Tape(isRecording: false).linear(x, weight: frozen) },
                kernel("linear, dx", 2) {
                    let tape = Tape()
                    tape.backward(from: tape.linear(leaf, weight: frozen), seed: seed)
                },
            ]
            if output < vocabulary {
                let trained = parameter([output, input], isTrainable: true)
                kernels.append(
                    kernel("linear, dx, dW", 3) {
                        let tape = Tape()
                        tape.backward(from: tape.linear(leaf, weight: trained), seed: seed)
                    }
                )
            }
            return kernels
        }
    }

    private func attentions() -> [Kernel] {
        [[256, 256, 256, 256], [512, 512]].flatMap { lengths -> [Kernel] in
            let layout = SequenceLayout(lengths: lengths)
            let pairs = lengths.reduce(0.0) { $0 + Double($1 * ($1 + 1) / 2) }
            // One product over all visible pairs and heads.
            let product = 2 * pairs * Double(headSize * heads)
            let query = random([rows, heads * headSize], requiresGradient: true)
            let key = random([rows, keyValueHeads * headSize], requiresGradient: true)
            let value = random([rows, keyValueHeads * headSize], requiresGradient: true)
            let seed = random([rows, heads * headSize])
            func attend(_ tape: Tape) -> Tensor {
                tape.causalAttention(
                    query: query,
                    key: key,
                    value: value,
                    layout: layout,
                    heads: heads,
                    keyValueHeads: keyValueHeads,
                    precision: precision
                )
            }
            let shape = "\(lengths.count)×\(lengths[0])"
            return [
                Kernel(name: "attention", shape: shape, work: .operations(2 * product)) {
                    _ = attend(Tape(isRecording: false))
                },
                Kernel(name: "attention, backward", shape: shape, work: .operations(7 * product)) {
                    let tape = Tape()
                    tape.backward(from: attend(tape), seed: seed)
                },
            ]
        }
    }

    private func crossEntropy() -> Kernel {
        let states = random([rows, hidden], requiresGradient: true)
        let head = parameter([vocabulary, hidden])
        let labels = (0..<Int32(rows)).map { $0 * 37 }
        let size = 4 * Double(rows) * Double(vocabulary) * Double(hidden)
        return Kernel(name: "head + cross-entropy, dx", shape: "\(rows)×\(vocabulary)", work: .operations(size)) {
            let tape = Tape()
            tape.backward(from: tape.linearCrossEntropy(states, head: head, labels: labels))
        }
    }

    // MARK: - Memory-bound passes

    private func elementwise() -> [Kernel] {
        let x = random([rows, hidden], requiresGradient: true)
        let narrowSeed = random([rows, hidden])
        let norm = parameter([hidden])
        let gate = random([rows, wide], requiresGradient: true)
        let up = random([rows, wide], requiresGradient: true)
        let wideSeed = random([rows, wide])
        let positions = SequenceLayout(lengths: [256, 256, 256, 256]).positions
        let narrow = Double(rows * hidden * MemoryLayout<Float>.size)
        let broad = Double(rows * wide * MemoryLayout<Float>.size)
        let (narrowShape, wideShape) = ("\(rows)×\(hidden)", "\(rows)×\(wide)")
        return [
            Kernel(name: "RMSNorm", shape: narrowShape, work: .bytes(2 * narrow)) {
                _ = Tape(isRecording: false).rmsNorm(x, weight: norm, epsilon: 1e-5, precision: precision)
            },
            Kernel(name: "RMSNorm, backward", shape: narrowShape, work: .bytes(5 * narrow)) {
                let tape = Tape()
                tape.backward(
                    from: tape.rmsNorm(x, weight: norm, epsilon: 1e-5, precision: precision),
                    seed: narrowSeed
                )
            },
            Kernel(name: "SwiGLU", shape: wideShape, work: .bytes(3 * broad)) {
                _ = Tape(isRecording: false).swiglu(gate: gate, up: up, precision: precision)
            },
            Kernel(name: "SwiGLU, backward", shape: wideShape, work: .bytes(8 * broad)) {
                let tape = Tape()
                tape.backward(from: tape.swiglu(gate: gate, up: up, precision: precision), seed: wideSeed)
            },
            Kernel(name: "rotary", shape: narrowShape, work: .bytes(2 * narrow)) {
                _ = Tape(isRecording: false).rotary(x, heads: heads, positions: positions, theta: 100_000)
            },
            Kernel(name: "add", shape: narrowShape, work: .bytes(3 * narrow)) {
                _ = Tape(isRecording: false).add(x, narrowSeed)
            },
        ]
    }

    private func adamW(count: Int) -> Kernel {
        let (value, gradient) = (random([count]), random([count]))
        let (first, second) = (Tensor.zeros([count]), Tensor.zeros([count]))
        let bytes = 7 * Double(count * MemoryLayout<Float>.size)
        return Kernel(name: "AdamW", shape: "\(count)", work: .bytes(bytes)) {
            Elementwise.adamW(
                parameter: value,
                gradient: gradient,
                firstMoment: first,
                secondMoment: second,
                step: 10,
                learningRate: 1e-4,
                weightDecay: 0.01
            )
        }
    }
}
