import Emulators
import Testing

@Suite struct OffsiteSplitTests {
    /// The index sets of the published models, worked out from `round(i · stride)` with halves to even.
    @Test(arguments: [
        (8, 20, [0, 3, 5, 8, 11, 14, 16, 19]),
        (16, 44, [0, 3, 6, 9, 11, 14, 17, 20, 23, 26, 29, 32, 34, 37, 40, 43]),
        (18, 28, [0, 2, 3, 5, 6, 8, 10, 11, 13, 14, 16, 17, 19, 21, 22, 24, 25, 27]),
        (1, 26, [12]), (1, 1, [0]), (0, 5, []), (2, 5, [0, 4]), (5, 5, [0, 1, 2, 3, 4]),
    ]) func uniform(count: Int, of middle: Int, expected: [Int]) {
        #expect(LayerSelection.uniform.indices(keeping: count, of: middle) == expected)
    }

    @Test func splitOfThirty() throws {
        let split = try OffsiteSplit(fullLayerCount: 30, bottom: 2, top: 2, keep: 0.5, selection: .uniform)
        #expect(split.emulatorLayerCount == 17)
        #expect(split.sourceLayers.prefix(2) == [0, 1] && split.sourceLayers.suffix(2) == [28, 29])
        #expect(split.adapterLayers == [0, 1, 15, 16])
        #expect(split.thinnedMiddle == 2..<15)
    }

    @Test(arguments: [(0, 0, 0.5), (15, 15, 0.5), (-1, 2, 0.5), (2, 2, 1.5), (2, 2, -0.1)])
    func refusesImpossible(bottom: Int, top: Int, keep: Double) {
        #expect(throws: EmulatorError.self) {
            try OffsiteSplit(fullLayerCount: 30, bottom: bottom, top: top, keep: keep, selection: .uniform)
        }
    }

    @Test func mapIsABijectionOnTheAdapter() {
        let map = LayerMap(bottom: 2, top: 3, emulatorLayerCount: 9, fullLayerCount: 20)
        for layer in 0..<9 {
            let full = map.fullLayer(forEmulatorLayer: layer)
            #expect((full == nil) == (2..<6).contains(layer))
            if let full { #expect(map.emulatorLayer(forFullLayer: full) == layer) }
        }
        #expect(
            map.fullName(forEmulatorName: "model.layers.8.mlp.up_proj.weight") == "model.layers.19.mlp.up_proj.weight"
        )
        #expect(map.fullName(forEmulatorName: "transformer.h.0.ln_1.bias") == "transformer.h.0.ln_1.bias")
        #expect(map.fullName(forEmulatorName: "model.embed_tokens.weight") == nil)
        #expect(map.fullName(forEmulatorName: "model.layers.3.x") == nil)
        #expect(map.fullLayer(forEmulatorLayer: -1) == nil && map.fullLayer(forEmulatorLayer: 9) == nil)
    }
}
