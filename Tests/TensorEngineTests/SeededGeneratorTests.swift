import Foundation
import TensorEngine
import Testing

@Suite struct SeededGeneratorTests {
    @Test func savedAndRestoredItGoesOn() throws {
        var generator = SeededGenerator(seed: 42)
        // An odd number of normals leaves one in reserve, which must be saved too.
        for _ in 0..<7 { _ = generator.normal() }
        let data = try JSONEncoder().encode(generator)
        var restored = try JSONDecoder().decode(SeededGenerator.self, from: data)
        #expect(restored == generator)
        #expect((0..<20).map { _ in restored.normal() } == (0..<20).map { _ in generator.normal() })
    }

    /// The first numbers of xoshiro256++ from SplitMix64(0), computed from the authors' definition.
    @Test func knownNumbers() {
        var generator = SeededGenerator(seed: 0)
        #expect(generator.next() == 0x5317_5d61_490b_23df)
        #expect(generator.next() == 0x61da_6f3d_c380_d507)
    }

    @Test func derivedGeneratorsDependOnSeedAndLabelOnly() {
        let fresh = SeededGenerator(seed: 1)
        var used = fresh
        _ = used.next()
        #expect(fresh.derive("a") == used.derive("a"))
        #expect(fresh.derive("a") != fresh.derive("b"))
        #expect(fresh.derive("a") != SeededGenerator(seed: 2).derive("a"))
    }

    @Test func momentsAreRight() {
        var generator = SeededGenerator(seed: 7)
        let n = 200_000
        let uniforms = (0..<n).map { _ in generator.uniform() }
        #expect(uniforms.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(uniforms.reduce(0, +) / Double(n) - 0.5) < 0.004)
        let normals = (0..<n).map { _ in generator.normal() }
        #expect(abs(normals.reduce(0, +) / Double(n)) < 0.012)
        #expect(abs(normals.reduce(0) { $0 + $1 * $1 } / Double(n) - 1) < 0.02)
        #expect(abs(normals.reduce(0) { $0 + pow($1, 4) } / Double(n) - 3) < 0.15)
    }
}
