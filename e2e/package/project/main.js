import * as sardonyx from 'sardonyx';
import { show } from './show.js';

show(sardonyx);
