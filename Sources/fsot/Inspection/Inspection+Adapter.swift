import Checkpoints
import Emulators
import Foundation
import PEFT

extension Inspection {
    /// An adapter directory: whole blocks or LoRA.
    static func adapter(at path: String) throws -> Inspection {
        var result = Inspection("adapter")
        let json = try JSONValue.read(path + "/adapter_config.json")
        if let method = json["method"]?.string {
            result.add("method", method.replacingOccurrences(of: "_", with: " "), key: "method")
            if let architecture = json["architecture"]?.string {
                result.add("architecture", architecture, key: "architecture")
            }
            result.addLayers(json["blocks"])
            if let count = json["layer_count"]?.int {
                result.add("numbered for", "\(count) layers", key: "layer_count", .int(count))
            }
        } else {
            let configuration = try LoRAConfiguration(json: json, path: path)
            result.add("method", "LoRA", key: "method")
            result.add("rank", configuration.rank, key: "rank")
            result.add("alpha", "\(configuration.alpha)", key: "alpha", .double(configuration.alpha))
            switch configuration.targets {
            case .names(let names):
                result.add("targets", names.joined(separator: ", "), key: "targets", .array(names.map { .string($0) }))
            case .pattern(let pattern): result.add("targets", pattern, key: "targets")
            case .allLinear: result.add("targets", "all linear layers", key: "targets", "all-linear")
            }
            result.addLayers(configuration.layersToTransform.map { .array($0.map { .int($0) }) })
        }
        let file = try SafetensorsFile(path: path + "/adapter_model.safetensors")
        let infos = try file.tensorNames.map { try file.info($0) }
        let parameters = infos.reduce(0) { $0 + $1.elementCount }
        let bytes = infos.reduce(0) { $0 + $1.byteCount }
        result.add("tensors", infos.count, key: "tensors")
        result.add("parameters", "\(parameters) (\(Magnitude.text(parameters)))", key: "parameters", .int(parameters))
        result.add("weights", Magnitude.bytes(bytes), key: "weight_bytes", .int(bytes))
        if let emulator = try AdapterPlacement.emulator(of: path) { result.addEmulator(emulator) }
        return result
    }

    private mutating func addLayers(_ layers: JSONValue?) {
        guard let layers, let numbers = layers.array?.compactMap(\.int) else { return }
        add("layers", numbers.map(String.init).joined(separator: ", "), key: "layers", layers)
    }
}
