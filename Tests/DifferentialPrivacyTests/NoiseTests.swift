import Cryptography
import DifferentialPrivacy
import Testing

/// Coins and noise have the distributions that the accountants assume.
struct NoiseTests {
    private func noise(_ key: NoiseKey, _ count: Int, deviation: Double = 1) throws -> [Double] {
        var values: [Double] = []
        try GaussianNoise(key, standardDeviation: deviation).forEach(count) { index, value in
            #expect(index == values.count)
            values.append(value)
        }
        return values
    }

    @Test func poissonSamplesHaveBinomialSizes() throws {
        let key = try NoiseKey(simulationSeed: 1)
        let (records, rate, draws) = (50, 0.06, 4000)
        var sizes: [Int] = []
        var counts = [Int](repeating: 0, count: records)
        var together = 0
        for draw in 0..<draws {
            let sample = try PoissonSample.draw(from: records, rate: rate, key: key.derive("\(draw)"))
            #expect(sample == Array(Set(sample)).sorted() && sample.allSatisfy { (0..<records).contains($0) })
            sizes.append(sample.count)
            for index in sample { counts[index] += 1 }
            if sample.contains(3) && sample.contains(4) { together += 1 }
        }
        let n = Double(draws)
        let mean = Double(sizes.reduce(0, +)) / n
        let variance = sizes.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
        let expected = Double(records) * rate * (1 - rate)
        #expect(abs(mean - Double(records) * rate) < 4 * (expected / n).squareRoot())
        // The variance of a sample variance is about 2σ⁴/n: shuffled batches would have none at all.
        #expect(abs(variance - expected) < 5 * expected * (2 / n).squareRoot())
        // (1 − q)^n of all samples are empty: 4.5 %.
        let empty = Double(sizes.filter { $0 == 0 }.count)
        let chance = 0.0453
        #expect(abs(empty - n * chance) < 4 * (n * chance * (1 - chance)).squareRoot())
        for count in counts { #expect(abs(Double(count) - n * rate) < 5 * (n * rate * (1 - rate)).squareRoot()) }
        #expect(abs(Double(together) - n * rate * rate) < 5 * (n * rate * rate).squareRoot())
    }

    @Test func theEndsOfTheRateAreCertain() throws {
        let key = try NoiseKey()
        #expect(try PoissonSample.draw(from: 5000, rate: 1, key: key) == Array(0..<5000))
        #expect(try PoissonSample.draw(from: 5000, rate: 0, key: key).isEmpty)
    }

    @Test func noiseIsNormal() throws {
        let count = 100_001
        let values = try noise(NoiseKey(simulationSeed: 2), count, deviation: 3)
        #expect(values.count == count)
        let n = Double(count)
        let standard = values.map { $0 / 3 }
        #expect(abs(standard.reduce(0, +) / n) < 4 / n.squareRoot())
        #expect(abs(standard.reduce(0) { $0 + $1 * $1 } / n - 1) < 4 * (2 / n).squareRoot())
        #expect(abs(standard.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n - 3) < 4 * (96 / n).squareRoot())
        for (bound, share) in [(1.0, 0.158655), (2.0, 0.022750), (3.0, 0.0013499)] {
            let above = Double(standard.filter { $0 > bound }.count)
            #expect(abs(above - n * share) < 4 * (n * share).squareRoot())
        }
        let neighbours = zip(standard, standard.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / n
        #expect(abs(neighbours) < 4 / n.squareRoot())
    }

    @Test func keysDecideEverything() throws {
        let key = try NoiseKey(simulationSeed: 3)
        let values = try noise(key, 9000)
        #expect(try noise(NoiseKey(simulationSeed: 3), 9000) == values)
        #expect(try noise(NoiseKey(bytes: key.exposed()), 9000) == values)
        #expect(try Array(noise(key, 4097).prefix(4096)) == Array(values.prefix(4096)))
        for other in [try key.derive("a"), try key.derive("b"), try NoiseKey(simulationSeed: 4), try NoiseKey()] {
            let theirs = try noise(other, 9000)
            let product = zip(values, theirs).reduce(0) { $0 + $1.0 * $1.1 } / 9000
            #expect(abs(product) < 5 / 9000.0.squareRoot())
        }
        #expect(try NoiseKey().exposed() != NoiseKey().exposed())
        #expect(throws: CryptographyError.self) { try NoiseKey(bytes: [1, 2, 3]) }
    }
}
