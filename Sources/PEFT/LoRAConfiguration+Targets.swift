import LanguageModels

extension LoRAConfiguration {
    /// The linear layers that the settings mean on `model`, first to last, with their block numbers.
    ///
    /// - Parameter isStrict: whether every name must match something (a user's settings), or just one of them (peft's
    ///   rule for a finished adapter).
    /// - Throws: `PEFTError.unknownTarget`, `.noSuchLayer`, `.badSetting` for a pattern that is none.
    func resolve(on model: LanguageModel, isStrict: Bool) throws -> [(layer: Int, linear: Linear)] {
        if let wrong = layersToTransform?.first(where: { !model.blocks.indices.contains($0) }) {
            throw PEFTError.noSuchLayer(layer: wrong, layerCount: model.blocks.count)
        }
        // A factored layer of a thinned middle is nobody's adapter.
        let all = model.blocks.enumerated().flatMap { layer, block in
            block.linears.filter { !$0.isFactored }.map { (layer: layer, linear: $0) }
        }
        let layers = layersToTransform.map { Set($0) }
        let allowed = all.filter { layers?.contains($0.layer) ?? true }
        let matched = try allowed.filter { try matches($0.linear.name) }
        let available = model.blocks.first.map { $0.linears.map { model.localName($0, 0) } } ?? []
        if isStrict, case .names(let names) = targets,
            let unknown = names.first(where: { name in !allowed.contains { Self.matches($0.linear.name, name) } })
        {
            throw PEFTError.unknownTarget(target: unknown, available: available)
        }
        guard !matched.isEmpty else { throw PEFTError.unknownTarget(target: targetText, available: available) }
        return matched
    }

    private var targetText: String {
        switch targets {
        case .names(let names): return names.joined(separator: ", ")
        case .pattern(let pattern): return pattern
        case .allLinear: return "all-linear"
        }
    }

    /// peft's rule for a list: the whole name, or an end of it that starts after a dot.
    private static func matches(_ module: String, _ name: String) -> Bool {
        module == name || module.hasSuffix("." + name)
    }

    private func matches(_ module: String) throws -> Bool {
        switch targets {
        case .allLinear: return true
        case .names(let names): return names.contains { Self.matches(module, $0) }
        case .pattern(let pattern):
            guard let regex = try? Regex(pattern) else {
                throw PEFTError.badSetting(key: "target_modules", value: pattern, expected: "a regular expression")
            }
            return module.wholeMatch(of: regex) != nil
        }
    }
}
