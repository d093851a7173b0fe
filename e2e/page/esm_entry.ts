import * as sardonyx from '../../web/index';

window.sardonyx = sardonyx;
