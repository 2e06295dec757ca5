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
        let best = Self.likeliest(logits)
        guard temperature > 0 else { return best }
        let top = logits[Int(best)]
        let (weights, total) = exponentials(logits, maximum: top, temperature: Float(temperature))
        guard topK != nil || topP < 1 else { return Self.draw(weights.indices, weights, of: total, &generator) }
        let order = candidates(weights, total: total)
        let mass = order.reduce(0) { $0 + Double(weights[$1]) }
        return Self.draw(order, weights, of: mass, &generator)
    }

    private static func draw(
        _ order: some Collection<Int>,
        _ weights: [Float],
        of mass: Double,
        _ generator: inout SeededGenerator
    ) -> Int32 {
        var point = generator.uniform() * mass
        var last = 0
        for index in order where weights[index] > 0 {
            point -= Double(weights[index])
            last = index
            if point < 0 { break }
        }
        return Int32(last)
    }

    /// The tokens that `topK` and `topP` leave, likeliest first.
    ///
    /// Only those above a floor are sorted: tokens above any floor that hold the wanted mass and number contain the answer.
    private func candidates(_ weights: [Float], total: Double) -> [Int] {
        var floor = Float(total) * 1e-3
        while true {
            var order = weights.indices.filter { weights[$0] >= floor }
            let mass = topP < 1 ? order.reduce(0) { $0 + Double(weights[$1]) } : total
            let isEnough = mass >= topP * total && order.count >= min(topK ?? 0, weights.count)
            guard isEnough || floor == 0 else {
                floor = floor > 1e-12 ? floor * 0.1 : 0
                continue
            }
            order.sort { (weights[$0], $1) > (weights[$1], $0) }
            order = Array(order.prefix(topK ?? order.count))
            return topP < 1 ? Array(order.prefix(nucleus(order.map { Double(weights[$0]) }))) : order
        }
    }

    /// How many of the descending weights it takes to reach the share `topP` of their sum, after `topK`.
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
