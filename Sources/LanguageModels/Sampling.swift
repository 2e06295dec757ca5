import Glibc
import TensorEngine

/// How the next token is chosen from the logits.
public struct Sampling: Sendable, Equatable {
    /// Divides the logits; 0 takes the likeliest token.
    public var temperature: Double
    /// Keeps only the k likeliest tokens; nil keeps all.
    public var topK: Int?
    /// Keeps the smallest set of likeliest tokens whose probabilities reach this sum (arXiv 1904.09751); 1 keeps all.
    public var topP: Double
    /// Seed of the draws.
    public var seed: UInt64

    /// The likeliest token, always.
    public static let greedy = Sampling(temperature: 0)

    /// A way of sampling; the defaults draw from the model's own distribution.
    public init(temperature: Double = 1, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
    }

    /// - Throws: `LanguageModelError.badOption`.
    func validate() throws {
        func refuse(_ name: String, _ value: String, _ expected: String) -> LanguageModelError {
            .badOption(name: name, value: value, expected: expected)
        }
        guard temperature >= 0, temperature.isFinite else {
            throw refuse("temperature", String(temperature), "0 or a positive number")
        }
        if let topK, topK < 1 { throw refuse("top-k", String(topK), "at least 1") }
        guard topP > 0, topP <= 1 else { throw refuse("top-p", String(topP), "above 0 and at most 1") }
    }

    /// The chosen token. Ties go to the smallest id, so that greedy decoding is a function of the logits.
    package func choose(from logits: UnsafeBufferPointer<Float>, generator: inout SeededGenerator) -> Int32 {
        guard temperature > 0 else { return Self.likeliest(logits) }
        var order = Array(logits.indices)
        // A sort of the whole vocabulary a token is dear; without a limit any order draws from the same distribution.
        if topK != nil || topP < 1 {
            order.sort { (logits[$0], $1) > (logits[$1], $0) }
            order = Array(order.prefix(topK ?? order.count))
        }
        let top = Double(logits[Int(Self.likeliest(logits))])
        let weights = order.map { exp((Double(logits[$0]) - top) / temperature) }
        let kept = topP < 1 ? nucleus(weights) : weights.count
        var point = generator.uniform() * weights.prefix(kept).reduce(0, +)
        for rank in 0..<kept {
            point -= weights[rank]
            if point < 0 { return Int32(order[rank]) }
        }
        return Int32(order[kept - 1])
    }

    /// How many of the descending weights it takes to reach the share `topP` of their sum.
    private func nucleus(_ weights: [Double]) -> Int {
        let wanted = topP * weights.reduce(0, +)
        var mass = 0.0
        let last = weights.firstIndex { weight in
            mass += weight
            return mass >= wanted
        }
        return (last ?? weights.count - 1) + 1
    }

    static func likeliest(_ logits: UnsafeBufferPointer<Float>) -> Int32 {
        var best = 0
        for index in logits.indices where logits[index] > logits[best] { best = index }
        return Int32(best)
    }
}
