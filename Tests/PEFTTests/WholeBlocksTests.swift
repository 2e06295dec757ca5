import Checkpoints
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing

/// Whole blocks, and the way of an adapter from the emulator to the full model.
@Suite struct WholeBlocksTests {
    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func shift(_ parameters: [Parameter]) {
        for parameter in parameters {
            parameter.value.withUnsafeMutableBufferPointer { for i in $0.indices { $0[i] += 0.01 } }
        }
    }

    @Test(arguments: TinyLoRATests.architectures) func savedBlocksGoBackIntoTheSamePlaces(_ name: String) throws {
        let model = try Golden.committedModel(name)
        let blocks = try WholeBlocks([0, 3], of: model)
        #expect(model.parameters.filter(\.isTrainable).map(\.name) == blocks.parameters.map(\.name))
        shift(blocks.parameters)
        let folder = try TemporaryFolder()
        try blocks.save(to: folder.path)
        let file = try SafetensorsFile(path: folder.file("adapter_model.safetensors"))
        #expect(Set(file.tensorNames) == Set(blocks.parameters.map(\.name)))
        let other = try Golden.committedModel(name)
        let adapter = try AdapterDirectory.load(from: folder.path, onto: other)
        #expect(adapter is WholeBlocks)
        #expect(other.parameters.map { $0.value.values } == model.parameters.map { $0.value.values })
    }

    @Test func anEmulatorsAdapterFindsItsPlaceInTheFullModel() throws {
        let full = try Golden.committedModel("llama")
        let emulator = try full.subset(blocks: [0, 1, 3], copying: [0, 2])
        let adapter = try WholeBlocks([0, 2], of: emulator)
        shift(adapter.parameters)
        let folder = try TemporaryFolder()
        try adapter.save(to: folder.path)
        let untouched = full.blocks[1].parameters.map { $0.value.values }
        #expect(message { _ = try WholeBlocks.load(from: folder.path, onto: full) }.contains("layer_count"))
        _ = try AdapterDirectory.load(from: folder.path, onto: full, renumbering: [0: 0, 1: 1, 2: 3])
        for (mine, theirs) in [(0, 0), (3, 2)] {
            #expect(
                full.blocks[mine].parameters.map { $0.value.values }
                    == emulator.blocks[theirs].parameters.map { $0.value.values }
            )
        }
        #expect(full.blocks[1].parameters.map { $0.value.values } == untouched)
    }

    @Test func anEmulatorsLoRAFindsItsPlaceInTheFullModel() throws {
        let full = try Golden.committedModel("llama")
        let emulator = try full.subset(blocks: [0, 1, 3], copying: [])
        let lora = try LoRA.attach(
            to: emulator,
            configuration: LoRAConfiguration(rank: 2, targets: .names(["q_proj"]), layersToTransform: [0, 2]),
            generator: SeededGenerator(seed: 4)
        )
        shift(lora.parameters)
        let folder = try TemporaryFolder()
        try lora.save(to: folder.path)
        let plugged = try LoRA.load(from: folder.path, onto: full, renumbering: [0: 0, 2: 3])
        #expect(plugged.branches.map(\.linear.name) == [0, 3].map { "model.layers.\($0).self_attn.q_proj" })
        #expect(plugged.parameters.map { $0.value.values } == lora.parameters.map { $0.value.values })
        #expect(plugged.configuration.layersToTransform == [0, 3])
        try plugged.save(to: folder.file("full"))
        #expect(
            try SafetensorsFile(path: folder.file("full/adapter_model.safetensors")).tensorNames
                == plugged.parameters.map(\.name).sorted()
        )
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let llama = try Golden.committedModel("llama")
        #expect(throws: PEFTError.noSuchLayer(layer: 4, layerCount: 4)) { try WholeBlocks([0, 4], of: llama) }
        #expect(throws: PEFTError.self) { try WholeBlocks([], of: llama) }
        let folder = try TemporaryFolder()
        try WholeBlocks([0], of: llama).save(to: folder.path)
        #expect(
            message { _ = try WholeBlocks.load(from: folder.path, onto: Golden.committedModel("opt")) }.contains("opt")
        )
        // The same method, but one tensor less and another in its place.
        let file = try SafetensorsFile(path: folder.file("adapter_model.safetensors"))
        let entries = try file.tensorNames.map { name in
            try SafetensorsWriter.Entry(
                name: name.replacingOccurrences(of: "up_proj", with: "side_proj"),
                shape: file.info(name).shape,
                values: file.values(name)
            )
        }
        try SafetensorsWriter.write(entries, to: folder.file("adapter_model.safetensors"))
        let before = llama.parameters.map { $0.value.values }
        let text = message { _ = try WholeBlocks.load(from: folder.path, onto: llama) }
        #expect(text.contains("up_proj") && text.contains("side_proj"))
        #expect(llama.parameters.map { $0.value.values } == before)
        let prompt = Golden.committedRoot + "/tiny/llama/lora/init"
        #expect(message { _ = try WholeBlocks.load(from: prompt, onto: llama) }.contains("LORA"))
    }
}
