import ModelGraph

extension OperatorRules {
  static var attention: [String: Rule] {
    [
      "Attention": { reading in
        func heads(_ name: String) -> Int? {
          reading.has(name) ? reading.integer(name, 0) : nil
        }
        return reading.apply(
          .maskedAttention(
            MaskedAttention(
              isCausal: reading.flag("is_causal"), queryHeads: heads("q_num_heads"),
              keyHeads: heads("kv_num_heads"),
              scale: reading.has("scale") ? reading.real("scale", 1) : nil,
              softcap: reading.real("softcap", 0),
              scoreMode: reading.integer("qk_matmul_output_mode", 0),
              leftWindow: reading.integer("left_window_size", -1),
              rightWindow: reading.integer("right_window_size", -1))))
      },
      "RotaryEmbedding": { reading in
        reading.apply(
          .tableRotary(
            TableRotary(
              isInterleaved: reading.flag("interleaved"),
              turnedChannels: reading.integer("rotary_embedding_dim", 0),
              heads: reading.integer("num_heads", 0))))
      },
      "SwiGLU": { reading in
        reading.apply(.gatedSwish(GatedSwish(alpha: reading.real("alpha", 1))))
      },
      "LinearAttention": { reading in
        guard let rule = LinearAttentionRule(rawValue: reading.text("update_rule", "gated_delta"))
        else { throw TranslationFailure("the update rule is not known") }
        let scale = reading.real("scale", 0)
        return reading.apply(
          .linearAttention(
            LinearAttention(
              rule: rule, queryHeads: reading.integer("q_num_heads", 0),
              keyHeads: reading.integer("kv_num_heads", 0), scale: scale == 0 ? nil : scale)))
      },
      "CausalConvWithState": { reading in
        let activation = reading.text("activation", "none")
        guard ["none", "silu", "swish"].contains(activation) else {
          throw TranslationFailure("the activation \(activation) is not known")
        }
        return reading.apply(
          .causalConvolution(CausalConvolution(appliesSilu: activation != "none")))
      },
    ]
  }
}
