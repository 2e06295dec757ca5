// 16-bit floats to and from float, by bits, so that every processor rounds alike.
#include "CKernels.h"
#include "vectors.h"

FSOT_DISPATCH void fsot_bf16_to_f32(const uint16_t *restrict x, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(y + i, &bits, sizeof bits);
    }
}

FSOT_DISPATCH void fsot_f32_to_bf16(const float *restrict x, uint16_t *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        uint32_t quiet = (bits >> 16) | 0x40u;
        y[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
    }
}

FSOT_DISPATCH void fsot_f16_to_f32(const uint16_t *restrict x, float *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t h = x[i];
        uint32_t sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
        // Shifted into place, a half is a float whose exponent is 112 too small; the product also normalises subnormals.
        uint32_t shifted = magnitude << 13;
        float value;
        memcpy(&value, &shifted, sizeof value);
        value *= 0x1p112f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits = magnitude >= 0x7c00u ? (shifted | 0x7f800000u) : bits;
        bits |= sign;
        memcpy(y + i, &bits, sizeof bits);
    }
}

FSOT_DISPATCH void fsot_f32_to_f16(const float *restrict x, uint16_t *restrict y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
        uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
        // Below 2^-14 the unit is 2^-24: adding 0.5 lets the float addition round to it, to nearest even.
        float value;
        memcpy(&value, &magnitude, sizeof value);
        float aligned = value + 0.5f;
        uint32_t subnormal;
        memcpy(&subnormal, &aligned, sizeof subnormal);
        subnormal -= 0x3f000000u;
        uint32_t result = magnitude < 0x38800000u ? subnormal : normal;
        result = magnitude >= 0x47800000u ? 0x7c00u : result;
        result = magnitude > 0x7f800000u ? 0x7e00u : result;
        y[i] = (uint16_t)(result | sign);
    }
}
