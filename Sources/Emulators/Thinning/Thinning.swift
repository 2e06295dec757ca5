/// How much of each kept middle block stays: width before depth.
public struct Thinning: Codable, Sendable, Equatable {
    /// Share of the feed-forward channels, in 0 < … ≤ 1: those of the greatest activation norm × ‖column of the output layer‖.
    public var feedForward: Double
    /// Share of each attention projection's parameters, in 0 < … ≤ 1; below 1 it becomes two factors of the rank that this
    /// allows (selective rank compression, ScaleOT, arXiv 2412.09812).
    public var attention: Double
    /// Whether the feed-forward's output layer is fitted again, by least squares, to the channels that are left.
    public var refits: Bool
    /// Tokens of public text that norms and fits are measured on.
    public var calibrationTokens: Int

    enum CodingKeys: String, CodingKey {
        case feedForward = "feed_forward"
        case attention
        case refits = "refit"
        case calibrationTokens = "calibration_tokens"
    }

    /// Makes a thinning; as it stands it leaves blocks whole.
    public init(feedForward: Double = 1, attention: Double = 1, refits: Bool = true, calibrationTokens: Int = 16_384) {
        self.feedForward = feedForward
        self.attention = attention
        self.refits = refits
        self.calibrationTokens = calibrationTokens
    }

    /// Whether blocks stay as they are.
    public var isWhole: Bool { feedForward == 1 && attention == 1 }

    /// Checks the shares.
    ///
    /// - Throws: `EmulatorError.invalidSplit` naming the flag.
    public func validate() throws {
        for (flag, share) in [("--feed-forward", feedForward), ("--attention", attention)] {
            guard share > 0, share <= 1 else {
                throw EmulatorError.invalidSplit(
                    reason: "\(flag) \(share) is not a share",
                    remedy: "give a number above 0 and at most 1, such as 0.5"
                )
            }
        }
        guard calibrationTokens > 0 else {
            throw EmulatorError.invalidSetting(
                reason: "--calibration-tokens \(calibrationTokens) is not a number of tokens",
                remedy: "give a positive number, such as 16384"
            )
        }
    }

    /// Channels that stay of `size`: a multiple of eight where there are that many, which the kernels like.
    func channels(of size: Int) -> Int {
        let wanted = feedForward * Double(size)
        let rounded = wanted >= 16 ? Int((wanted / 8).rounded()) * 8 : Int(wanted.rounded())
        return min(size, max(1, rounded))
    }

    /// The rank at which two factors hold `attention` of a matrix's parameters; nil when the matrix stays whole.
    func rank(rows: Int, columns: Int) -> Int? {
        guard attention < 1 else { return nil }
        return max(1, Int(attention * Double(rows * columns) / Double(rows + columns)))
    }
}
