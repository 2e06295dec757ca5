import Checkpoints

/// The settings of a LoRA adapter, as peft's `adapter_config.json` has them.
public struct LoRAConfiguration: Sendable, Equatable, Codable {
    /// Which linear layers get a branch.
    public enum Targets: Sendable, Equatable {
        /// Full module names, or ends of them that start after a dot: `q_proj`, `self_attn.q_proj`.
        case names([String])
        /// A regular expression that must match a whole module name.
        case pattern(String)
        /// Every linear layer of the blocks.
        case allLinear
    }

    /// Rank of the update.
    public var rank: Int
    /// The update is scaled by alpha / rank, or alpha / √rank with `isRankStabilized`.
    public var alpha: Double
    /// The layers to adapt.
    public var targets: Targets
    /// Restricts the targets to blocks of these numbers; nil: all blocks.
    public var layersToTransform: [Int]?
    /// Scales by alpha / √rank instead of alpha / rank (rsLoRA, arXiv 2312.03732).
    public var isRankStabilized: Bool
    /// What peft notes as the origin of the base model.
    public var baseModel: String?

    /// The scale of the branch.
    public var scale: Float {
        Float(isRankStabilized ? alpha / Double(rank).squareRoot() : alpha / Double(rank))
    }

    /// A configuration with peft's defaults.
    ///
    /// - Throws: `PEFTError.badSetting` for a rank below 1, a senseless alpha or no targets.
    public init(
        rank: Int = 8,
        alpha: Double = 8,
        targets: Targets,
        layersToTransform: [Int]? = nil,
        isRankStabilized: Bool = false,
        baseModel: String? = nil
    ) throws {
        guard rank > 0, rank <= 1 << 16 else {
            throw PEFTError.badSetting(key: "r", value: String(rank), expected: "between 1 and 65536")
        }
        guard alpha > 0, alpha.isFinite else {
            throw PEFTError.badSetting(key: "lora_alpha", value: String(alpha), expected: "a positive number")
        }
        if case .names([]) = targets {
            throw PEFTError.badSetting(key: "target_modules", value: "[]", expected: "at least one name")
        }
        self.rank = rank
        self.alpha = alpha
        self.targets = targets
        self.layersToTransform = layersToTransform
        self.isRankStabilized = isRankStabilized
        self.baseModel = baseModel
    }

    // MARK: - adapter_config.json

    /// Reads peft's JSON; `path` is for errors only.
    ///
    /// - Throws: `PEFTError.otherMethod` unless it is LoRA; `.unsupported` for every setting that would change the
    ///   result and is not implemented (DoRA, dropout, trained biases, rank patterns, …); `.badSetting`.
    public init(json: JSONValue, path: String) throws {
        let type = json["peft_type"]?.string ?? "(none)"
        guard type == "LORA" else { throw PEFTError.otherMethod(path: path, found: type) }
        for (key, harmless) in Self.mustBe {
            guard let value = json[key], !value.isNull, !harmless.contains(value) else { continue }
            throw PEFTError.unsupported(path: path, setting: key, value: value.canonicalText)
        }
        guard let rank = json["r"]?.int else { throw Self.bad("r", json["r"], "an integer") }
        guard let alpha = (json["lora_alpha"] ?? 8).double else {
            throw Self.bad("lora_alpha", json["lora_alpha"], "a number")
        }
        let targets: Targets
        if let text = json["target_modules"]?.string {
            targets = text == "all-linear" ? .allLinear : .pattern(text)
        } else if let names = json["target_modules"]?.array?.map(\.string), !names.contains(nil) {
            targets = .names(names.compactMap { $0 })
        } else {
            throw Self.bad("target_modules", json["target_modules"], "a list of names, or a pattern")
        }
        var layers: [Int]?
        if let value = json["layers_to_transform"], !value.isNull {
            let numbers = value.int.map { [$0] } ?? value.array?.map { $0.int ?? -1 } ?? [-1]
            guard numbers.allSatisfy({ $0 >= 0 }) else { throw Self.bad("layers_to_transform", value, "layer numbers") }
            layers = numbers.isEmpty ? nil : numbers
        }
        try self.init(
            rank: rank,
            alpha: alpha,
            targets: targets,
            layersToTransform: layers,
            isRankStabilized: json["use_rslora"]?.bool ?? false,
            baseModel: json["base_model_name_or_path"]?.string
        )
    }

    private static func bad(_ key: String, _ value: JSONValue?, _ expected: String) -> PEFTError {
        .badSetting(key: key, value: (value ?? .null).canonicalText, expected: expected)
    }

    /// Settings that change the result, with the values besides null that leave it alone.
    private static let mustBe: [(key: String, harmless: [JSONValue])] = [
        ("alora_invocation_tokens", []), ("alpha_pattern", [[:]]), ("arrow_config", []), ("bias", ["none"]),
        ("exclude_modules", [[]]), ("layer_replication", []), ("layers_pattern", [[]]), ("lora_bias", [false]),
        ("lora_dropout", [0, 0.0]), ("modules_to_save", [[]]), ("rank_pattern", [[:]]), ("target_parameters", [[]]),
        ("trainable_token_indices", []), ("use_bdlora", [false]), ("use_dora", [false]), ("use_qalora", [false]),
        ("kasa_config", []), ("monteclora_config", []), ("velora_config", []),
    ]

    /// peft 0.21's JSON: every key that its `save_pretrained` writes.
    ///
    /// - Parameters:
    ///   - targetNames: what `target_modules` lists; peft too writes all-linear out as names.
    ///   - fanInFanOut: true for GPT-2, whose weights are `[in, out]`.
    public func json(targetNames: [String], fanInFanOut: Bool) -> JSONValue {
        var json: JSONValue = [
            "alora_invocation_tokens": nil, "alpha_pattern": [:], "arrow_config": nil, "auto_mapping": nil,
            "base_model_name_or_path": nil, "bias": "none", "corda_config": nil, "ensure_weight_tying": false,
            "eva_config": nil, "exclude_modules": nil, "inference_mode": true, "init_lora_weights": true,
            "kasa_config": nil, "layer_replication": nil, "layers_pattern": nil, "layers_to_transform": nil,
            "loftq_config": [:], "lora_bias": false, "lora_dropout": 0.0, "lora_ga_config": nil,
            "megatron_config": nil, "megatron_core": "megatron.core", "modules_to_save": nil,
            "monteclora_config": nil, "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16,
            "rank_pattern": [:], "revision": nil, "target_parameters": nil, "task_type": "CAUSAL_LM",
            "trainable_token_indices": nil, "use_bdlora": nil, "use_dora": false, "use_qalora": false,
            "velora_config": nil,
        ]
        json["base_model_name_or_path"] = baseModel.map { .string($0) } ?? .null
        json["fan_in_fan_out"] = .bool(fanInFanOut)
        json["layers_to_transform"] = layersToTransform.map { .array($0.map { .int($0) }) } ?? .null
        json["lora_alpha"] = Int(exactly: alpha).map { .int($0) } ?? .double(alpha)
        json["r"] = .int(rank)
        json["use_rslora"] = .bool(isRankStabilized)
        if case .pattern(let pattern) = targets {
            json["target_modules"] = .string(pattern)
        } else {
            json["target_modules"] = .array(targetNames.map { .string($0) })
        }
        return json
    }

    /// Decodes peft's JSON.
    public init(from decoder: any Decoder) throws {
        self = try LoRAConfiguration(json: JSONValue(from: decoder), path: "the settings")
    }

    /// Encodes peft's JSON, with `all-linear` as it is.
    public func encode(to encoder: any Encoder) throws {
        var json = json(targetNames: [], fanInFanOut: false)
        switch targets {
        case .names(let names): json["target_modules"] = .array(names.map { .string($0) })
        case .pattern(let pattern): json["target_modules"] = .string(pattern)
        case .allLinear: json["target_modules"] = "all-linear"
        }
        try json.encode(to: encoder)
    }
}
