/// ggml's block formats, decoded as `dequantize_row_*` of ggml-quants.c does: the same operations in the same order,
/// without fused multiply-add, so that results equal the gguf package's bit for bit.
extension ElementType {
    func decodeBlocks(_ source: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>) {
        var block = source
        var output = target
        let bytes = blockBytes
        let elements = blockElements
        for _ in 0..<count {
            switch self {
            case .q4_0: Self.q4_0(block, output)
            case .q4_1: Self.q4_1(block, output)
            case .q5_0: Self.q5_0(block, output)
            case .q5_1: Self.q5_1(block, output)
            case .q8_0: Self.q8_0(block, output)
            case .q4_K: Self.q4_K(block, output)
            case .q6_K: Self.q6_K(block, output)
            default: preconditionFailure("\(rawValue) has no blocks.")
            }
            block += bytes
            output += elements
        }
    }

    /// IEEE half to single by bits: exact for normals, subnormals, infinities and NaN, and free of library calls.
    @inline(__always)
    private static func half(_ block: UnsafeRawPointer, _ offset: Int) -> Float {
        let bits = UInt32(block.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        var magnitude = (Float(bitPattern: (bits & 0x7fff) << 13) * 0x1p112).bitPattern
        if bits & 0x7c00 == 0x7c00 { magnitude = (bits & 0x7fff) << 13 | 0x7f80_0000 }
        return Float(bitPattern: magnitude | (bits & 0x8000) << 16)
    }

    @inline(__always)
    private static func byte(_ block: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        block.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// `[d: f16][16 bytes]`: d · (q − 8)
    @inline(__always)
    private static func q4_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        for index in 0..<16 {
            let pair = byte(block, 2 &+ index)
            output[index] = Float(Int32(pair & 15) &- 8) * scale
            output[index &+ 16] = Float(Int32(pair >> 4) &- 8) * scale
        }
    }

    /// `[d: f16][m: f16][16 bytes]`: d · q + m
    @inline(__always)
    private static func q4_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        let minimum = half(block, 2)
        for index in 0..<16 {
            let pair = byte(block, 4 &+ index)
            output[index] = Float(Int32(pair & 15)) * scale + minimum
            output[index &+ 16] = Float(Int32(pair >> 4)) * scale + minimum
        }
    }

    /// `[d: f16][fifth bits: u32][16 bytes]`: d · (q − 16)
    @inline(__always)
    private static func q5_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        let high = block.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
        for index in 0..<16 {
            let pair = UInt32(byte(block, 6 &+ index))
            let low = (pair & 15) | ((high &>> UInt32(index)) & 1) << 4
            let upper = (pair >> 4) | ((high &>> UInt32(index &+ 16)) & 1) << 4
            output[index] = Float(Int32(low) &- 16) * scale
            output[index &+ 16] = Float(Int32(upper) &- 16) * scale
        }
    }

    /// `[d: f16][m: f16][fifth bits: u32][16 bytes]`: d · q + m
    @inline(__always)
    private static func q5_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        let minimum = half(block, 2)
        let high = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        for index in 0..<16 {
            let pair = UInt32(byte(block, 8 &+ index))
            let low = (pair & 15) | ((high &>> UInt32(index)) & 1) << 4
            let upper = (pair >> 4) | ((high &>> UInt32(index &+ 16)) & 1) << 4
            output[index] = Float(Int32(low)) * scale + minimum
            output[index &+ 16] = Float(Int32(upper)) * scale + minimum
        }
    }

    /// `[d: f16][32 signed bytes]`: d · q
    @inline(__always)
    private static func q8_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        for index in 0..<32 {
            output[index] = Float(Int32(block.load(fromByteOffset: 2 &+ index, as: Int8.self))) * scale
        }
    }

    /// `[d: f16][dmin: f16][12 bytes: 8 scales and 8 minima of 6 bits][128 bytes]`: d·scale·q − dmin·min, in 8 groups of 32
    @inline(__always)
    private static func q4_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 0)
        let minimum = half(block, 2)
        for group in 0..<8 {
            let (first, second) = sixBitPair(block, group)
            let groupScale = scale * Float(first)
            let groupMinimum = minimum * Float(second)
            let data = 16 &+ (group >> 1) &* 32
            let shift = UInt8(truncatingIfNeeded: (group & 1) &* 4)
            for index in 0..<32 {
                let number = (byte(block, data &+ index) &>> shift) & 15
                output[group &* 32 &+ index] = groupScale * Float(Int32(number)) - groupMinimum
            }
        }
    }

    /// The first four scales and minima lie whole in bytes 0–7; of the last four, the low halves lie in bytes 8–11 and
    /// the upper two bits on top of the first eight bytes.
    @inline(__always)
    private static func sixBitPair(_ block: UnsafeRawPointer, _ group: Int) -> (UInt8, UInt8) {
        if group < 4 { return (byte(block, 4 &+ group) & 63, byte(block, 8 &+ group) & 63) }
        let low = byte(block, 8 &+ group)
        return (
            low & 15 | (byte(block, group) >> 6) << 4,
            low >> 4 | (byte(block, 4 &+ group) >> 6) << 4
        )
    }

    /// `[128 bytes: low halves][64 bytes: upper two bits][16 signed scales][d: f16]`: d·scale·(q − 32), in 16 groups of 16
    @inline(__always)
    private static func q6_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
        let scale = half(block, 208)
        for half in 0..<2 {
            for quarter in 0..<4 {
                let low = half &* 64 &+ (quarter & 1) &* 32
                let lowShift = UInt8(truncatingIfNeeded: (quarter >> 1) &* 4)
                let high = 128 &+ half &* 32
                let highShift = UInt8(truncatingIfNeeded: quarter &* 2)
                for index in 0..<32 {
                    let group = half &* 8 &+ quarter &* 2 &+ index >> 4
                    let factor = block.load(fromByteOffset: 192 &+ group, as: Int8.self)
                    let number =
                        (byte(block, low &+ index) &>> lowShift) & 15
                        | ((byte(block, high &+ index) &>> highShift) & 3) << 4
                    output[half &* 128 &+ quarter &* 32 &+ index] =
                        scale * Float(Int32(factor)) * Float(Int32(number) &- 32)
                }
            }
        }
    }
}
