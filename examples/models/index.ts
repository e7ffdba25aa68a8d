/** All models, by name. */
import { gpt12, gpt4 } from "./gpt.ts";
import { lstm1000 } from "./lstm.ts";
import { mlp20 } from "./mlp.ts";
import type { Model } from "./model.ts";
import { resnet50 } from "./resnet.ts";
import { unet } from "./unet.ts";

export { gpt12, gpt4, lstm1000, mlp20, resnet50, unet };

export const models: readonly Model[] = [
  mlp20,
  gpt4,
  gpt12,
  resnet50,
  unet,
  lstm1000,
] as readonly unknown[] as readonly Model[];
